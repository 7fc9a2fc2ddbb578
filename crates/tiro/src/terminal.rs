//! Texts of strangers on a terminal: what would steer it is shown instead of obeyed.

/// Whether a terminal obeys a character rather than shows it: the controls of ASCII and of ISO 6429, the line breaks
/// of Unicode, and what reorders the rest of a line.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One character that a terminal shows, and that does not end a line.
pub(crate) fn visible(character: char) -> char {
    match character {
        '\n' | '\u{2028}' | '\u{2029}' => '↵',
        '\t' => ' ',
        // The pictures of U+2400 stand in the order of the controls.
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '␡',
        _ if steers(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

/// JSON in which what would steer a terminal is escaped. It stands only in strings, so the value stays the same.
pub(crate) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if steers(character) {
            text.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_shown() {
        let shown: String = "a\0\x07\x1b\n\r\t\x7f\u{9b}\u{202e}\u{2029}é世\u{200d}"
            .chars()
            .map(visible)
            .collect();
        assert_eq!(shown, "a␀␇␛↵␍ ␡\u{fffd}\u{fffd}↵é世\u{200d}");
    }

    #[test]
    fn escaped_json_is_the_same_value_without_a_character_that_steers() {
        let text = "a\0\x1b\n\"\\\x7f\u{85}\u{9b}\u{2028}\u{202e}\u{2066}é世🌈";
        let json = escaped(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(steers), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
