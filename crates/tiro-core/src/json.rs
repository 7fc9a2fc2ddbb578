//! Reading JSON (RFC 8259) as text, so that metadata keeps the spelling in which it was received.
//!
//! Only what metadata needs: check a text, drop white space outside strings, list an object's members.

use std::borrow::Cow;

use crate::{Fault, METADATA_DEPTH_MAX};

/// One member of an object, as it stands in the text.
#[derive(Clone, Debug)]
pub(crate) struct Member<'a> {
    /// The name with its quotes and escapes.
    pub(crate) raw_name: &'a str,
    /// The name that the escapes stand for.
    pub(crate) name: String,
    /// The value's text.
    pub(crate) value: &'a str,
}

/// Checks a text and answers it without white space outside strings.
///
/// # Errors
/// Not JSON, nested too deep, a member named twice, half of a surrogate pair, U+0000 in a string.
pub(crate) fn minify(text: &str) -> Result<String, Fault> {
    let mut scanner = Scanner {
        text,
        at: 0,
        minified: String::with_capacity(text.len()),
    };
    scanner.skip_space();
    scanner.value(1)?;
    scanner.skip_space();
    if scanner.at == text.len() {
        Ok(scanner.minified)
    } else {
        Err(Fault::NotJson)
    }
}

/// The members of a minified object, in order.
pub(crate) fn members(object: &str) -> Result<Vec<Member<'_>>, Fault> {
    if !object.starts_with('{') {
        return Err(Fault::NotAnObject);
    }
    let mut scanner = Scanner {
        text: object,
        at: 1,
        minified: String::new(),
    };
    let mut found = Vec::new();
    while scanner.peek() != Some(b'}') {
        if !found.is_empty() {
            scanner.expect(b',')?;
        }
        let from = scanner.at;
        let name = scanner.string()?;
        let raw_name = &object[from..scanner.at];
        scanner.expect(b':')?;
        let from = scanner.at;
        scanner.value(1)?;
        found.push(Member {
            raw_name,
            name,
            value: &object[from..scanner.at],
        });
    }
    Ok(found)
}

/// The items of a minified array, in order.
pub(crate) fn items(array: &str) -> Result<Vec<&str>, Fault> {
    let mut scanner = Scanner {
        text: array,
        at: 0,
        minified: String::new(),
    };
    scanner.expect(b'[')?;
    let mut found = Vec::new();
    while scanner.peek() != Some(b']') {
        if !found.is_empty() {
            scanner.expect(b',')?;
        }
        let from = scanner.at;
        scanner.value(1)?;
        found.push(&array[from..scanner.at]);
    }
    Ok(found)
}

/// What a minified string literal stands for.
pub(crate) fn decoded(literal: &str) -> Result<String, Fault> {
    Scanner {
        text: literal,
        at: 0,
        minified: String::new(),
    }
    .string()
}

/// One pass over a text; what was read, less white space, is in `minified`.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    minified: String,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes one ASCII byte.
    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return Err(Fault::NotJson);
        }
        self.at += 1;
        self.minified.push(char::from(byte));
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        match self.peek().ok_or(Fault::NotJson)? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(drop),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > METADATA_DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        let mut names = std::collections::BTreeSet::new();
        self.expect(b'{')?;
        self.skip_space();
        while self.peek() != Some(b'}') {
            if !names.is_empty() {
                self.expect(b',')?;
                self.skip_space();
            }
            let name = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            self.value(depth + 1)?;
            self.skip_space();
            if let Some(twice) = names.replace(name) {
                return Err(Fault::DuplicateMember(twice));
            }
        }
        self.expect(b'}')
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > METADATA_DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        self.expect(b'[')?;
        self.skip_space();
        let mut first = true;
        while self.peek() != Some(b']') {
            if !first {
                self.expect(b',')?;
                self.skip_space();
            }
            first = false;
            self.value(depth + 1)?;
            self.skip_space();
        }
        self.expect(b']')
    }

    fn literal(&mut self, literal: &str) -> Result<(), Fault> {
        if !self.text[self.at..].starts_with(literal) {
            return Err(Fault::NotJson);
        }
        self.at += literal.len();
        self.minified.push_str(literal);
        Ok(())
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn number(&mut self) -> Result<(), Fault> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.minified.push_str(&self.text[from..self.at]);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > from {
            Ok(())
        } else {
            Err(Fault::NotJson)
        }
    }

    /// Takes a string literal and answers what it stands for.
    fn string(&mut self) -> Result<String, Fault> {
        let from = self.at;
        if self.peek() != Some(b'"') {
            return Err(Fault::NotJson);
        }
        self.at += 1;
        let mut decoded = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(['"', '\\']).ok_or(Fault::NotJson)?;
            let run = &rest[..plain];
            if run.bytes().any(|byte| byte < 0x20) {
                return Err(Fault::NotJson);
            }
            decoded.push_str(run);
            self.at += plain + 1;
            if rest.as_bytes()[plain] == b'"' {
                break;
            }
            decoded.push(self.escape()?);
        }
        self.minified.push_str(&self.text[from..self.at]);
        Ok(decoded)
    }

    /// Takes what follows a backslash.
    fn escape(&mut self) -> Result<char, Fault> {
        let byte = self.peek().ok_or(Fault::NotJson)?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' => Ok(char::from(byte)),
            b'b' => Ok('\u{8}'),
            b'f' => Ok('\u{c}'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => self.unicode_escape(),
            _ => Err(Fault::NotJson),
        }
    }

    fn unicode_escape(&mut self) -> Result<char, Fault> {
        let high = self.hex4()?;
        let scalar = match high {
            0 => return Err(Fault::Nul),
            0xd800..=0xdbff => {
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(Fault::LoneSurrogate);
                }
                self.at += 2;
                let low = self.hex4()?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(Fault::LoneSurrogate);
                }
                0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            _ => high,
        };
        char::from_u32(scalar).ok_or(Fault::LoneSurrogate)
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Fault::NotJson)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Fault::NotJson);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| Fault::NotJson)
    }
}

/// Writes a minified value so that equal values give equal bytes: members by name, strings without escapes,
/// every text with its length before it. Numbers count as they are spelled.
pub(crate) fn write_canonical(value: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
    let text = |tag: u8, text: Cow<'_, str>, out: &mut Vec<u8>| {
        out.push(tag);
        out.extend_from_slice(&(text.len() as u64).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    match value.as_bytes().first() {
        Some(b'{') => {
            let mut members = members(value)?;
            members.sort_by(|one, other| one.name.cmp(&other.name));
            out.push(b'{');
            out.extend_from_slice(&(members.len() as u64).to_le_bytes());
            for member in &members {
                text(b'"', Cow::Borrowed(&member.name), out);
                write_canonical(member.value, out)?;
            }
        }
        Some(b'[') => {
            let items = items(value)?;
            out.push(b'[');
            out.extend_from_slice(&(items.len() as u64).to_le_bytes());
            for item in items {
                write_canonical(item, out)?;
            }
        }
        Some(b'"') => text(b'"', Cow::Owned(decoded(value)?), out),
        _ => text(b'=', Cow::Borrowed(value), out),
    }
    Ok(())
}
