//! The frame of every page: one style, light and dark, nothing fetched, no script.

use bytes::Bytes;
use http::HeaderValue;

use super::policy;

/// A page and the policy under which a browser shows it.
pub(crate) struct HtmlPage {
    pub(crate) html: Bytes,
    pub(crate) policy: HeaderValue,
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fdfdfc;--soft:#f1f1ee;--line:#d9d9d4;--accent:#8a3b12}\
@media(prefers-color-scheme:dark){:root{--ink:#e4e3df;--paper:#17181a;--soft:#222427;--line:#3a3c40;--accent:#f0a878}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:60rem;padding:2rem 1rem 6rem;background:var(--paper);color:var(--ink);\
font:1rem/1.55 system-ui,sans-serif}\
h1{font-size:1.8rem;margin:.5rem 0}h2{margin-top:3rem;border-bottom:1px solid var(--line)}\
h3{margin:2rem 0 .25rem;font-size:1.05rem}\
code,pre{font:.9em/1.5 ui-monospace,monospace;background:var(--soft);border-radius:.25rem;padding:.1em .3em}\
a{color:var(--accent)}table{border-collapse:collapse;width:100%;margin:.5rem 0}\
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}\
th{font-weight:600}td:first-child{white-space:nowrap}nav ul{columns:2;padding-left:1.2rem}\
.verb{font-weight:700;color:var(--accent)}details{margin:.5rem 0}summary{cursor:pointer}";

/// A whole page; `body` is HTML.
pub(super) fn page(title: &str, body: &str) -> HtmlPage {
    let title = escaped(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>{body}</body></html>\n"
    );
    HtmlPage {
        html: html.into(),
        policy: policy(STYLE),
    }
}

/// A text as it stands in HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A text with `code` between backticks, as HTML.
pub(super) fn prose(text: &str) -> String {
    escaped(text)
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            if index % 2 == 1 {
                format!("<code>{part}</code>")
            } else {
                part.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_escaped_and_its_code_marked() {
        assert_eq!(prose("a `<b>` & c"), "a <code>&lt;b&gt;</code> &amp; c");
    }
}
