//! An answer, read whole.

use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) code: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(response: Response<Body>) -> Answer {
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            code: head.status,
            headers: head.headers,
            bytes,
        }
    }

    /// Asserts the status and goes on.
    #[track_caller]
    pub(crate) fn status(self, wanted: u16) -> Answer {
        assert_eq!(self.code.as_u16(), wanted, "{:?} {}", self.headers, self.text());
        self
    }

    /// Asserts a problem with this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Answer {
        let answer = self.status(status);
        assert_eq!(answer.json()["code"], code, "{}", answer.text());
        answer
    }

    /// Asserts a 422 with exactly these violations, as `code place`, in any order.
    #[track_caller]
    pub(crate) fn refuses(self, wanted: &[&str]) -> Answer {
        let answer = self.problem(422, "invalid_request");
        let mut found = answer.violations();
        found.sort();
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{}", answer.text());
        answer
    }

    /// Every violation as `code place`.
    pub(crate) fn violations(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| {
                let place = ["pointer", "parameter", "header", "line"]
                    .iter()
                    .find_map(|name| error.get(name));
                let place = place.map_or(String::new(), |place| {
                    place.to_string().trim_matches('"').to_owned()
                });
                format!("{} {place}", error["code"].as_str().unwrap())
            })
            .collect()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        value.to_str().unwrap()
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.bytes).unwrap_or("(not UTF-8)")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The numbers of a page's things.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let json = self.json();
        json["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|thing| thing["number"].as_u64().unwrap())
            .collect()
    }
}
