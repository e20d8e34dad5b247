//! Finds the field that a position in a JSON text belongs to.
//!
//! serde_json reports line and column; people and programs want the field. The text is known to be
//! valid JSON when this is asked, so the walk does not judge it.

/// The RFC 6901 pointer of the value at `line` and `column` (as serde_json counts), empty for the root.
pub(crate) fn at(text: &[u8], line: usize, column: usize) -> String {
    let mut walk = Walk {
        text,
        place: 0,
        end: offset(text, line, column),
        path: Vec::new(),
    };
    walk.value();
    walk.path
        .iter()
        .map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")))
        .collect()
}

fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive(|&byte| byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (start + column).min(text.len())
}

struct Walk<'a> {
    text: &'a [u8],
    place: usize,
    /// Behind the last byte that serde_json had read when it refused.
    end: usize,
    path: Vec<String>,
}

impl Walk<'_> {
    /// Walks one value; true when the end was reached inside, so that `path` stays as it is.
    fn value(&mut self) -> bool {
        self.blank();
        match self.text.get(self.place) {
            Some(b'{') => self.entries(true),
            Some(b'[') => self.entries(false),
            Some(b'"') => {
                self.string();
                self.place >= self.end
            }
            Some(_) => {
                while self
                    .text
                    .get(self.place)
                    .is_some_and(|byte| !b",]} \n\r\t".contains(byte))
                {
                    self.place += 1;
                }
                self.place >= self.end
            }
            None => true,
        }
    }

    fn entries(&mut self, named: bool) -> bool {
        self.place += 1;
        if self.place >= self.end {
            return true;
        }
        for index in 0.. {
            self.blank();
            match self.text.get(self.place) {
                None => return true,
                Some(b'}' | b']') => {
                    self.place += 1;
                    // A refusal at the closing bracket concerns the whole object: a missing field.
                    return self.place >= self.end;
                }
                Some(_) => {}
            }
            let step = if named { self.key() } else { index.to_string() };
            self.path.push(step);
            if (named && self.place >= self.end) || self.value() {
                return true;
            }
            self.path.pop();
            self.blank();
            if self.text.get(self.place) == Some(&b',') {
                self.place += 1;
            }
        }
        false
    }

    fn key(&mut self) -> String {
        let raw = self.string();
        let name = serde_json::from_slice(raw).unwrap_or_default();
        self.blank();
        name
    }

    fn string(&mut self) -> &[u8] {
        let start = self.place;
        self.place += 1;
        while let Some(&byte) = self.text.get(self.place) {
            self.place += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        let end = self.place.min(self.text.len());
        &self.text[start..end]
    }

    fn blank(&mut self) {
        while self
            .text
            .get(self.place)
            .is_some_and(|byte| b" \n\r\t:".contains(byte))
        {
            self.place += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_become_fields() {
        let text = br#"{"a": {"b/c": [10, 20]}, "d": 5}"#;
        let table = [
            (7, "/a"),
            (17, "/a/b~1c/0"),
            (21, "/a/b~1c/1"),
            (31, "/d"),
            (32, ""),
        ];
        for (column, expected) in table {
            assert_eq!(at(text, 1, column), expected, "column {column}");
        }
    }

    #[test]
    fn a_position_beyond_the_text_is_the_root() {
        assert_eq!(at(b"{}", 7, 7), "");
        assert_eq!(at(b"", 1, 1), "");
    }
}
