//! Writes the XML of answers. Text is escaped here and nowhere else.

use std::fmt::Display;

/// A growing XML fragment.
#[derive(Default)]
pub(crate) struct Xml {
    text: String,
}

impl Xml {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A leaf with a value.
    pub(crate) fn leaf(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        // XML 1.0 has no form for most control characters, so they cannot be answered at all.
        let printable: String = value
            .chars()
            .filter(|&char| char >= ' ' || matches!(char, '\n' | '\t'))
            .collect();
        self.open(name);
        self.text.push_str(&quick_xml::escape::escape(&printable));
        self.close(name)
    }

    /// A leaf that is left out when there is no value.
    pub(crate) fn optional(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.leaf(name, value);
        }
        self
    }

    /// An element around what `inside` writes.
    pub(crate) fn node(&mut self, name: &str, inside: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        inside(self);
        self.close(name)
    }

    /// The outermost element of a whole document, with its name space.
    pub(crate) fn root(&mut self, name: &str, namespace: &str, inside: impl FnOnce(&mut Self)) -> &mut Self {
        self.text.push_str(&format!("<{name} xmlns=\"{namespace}\">"));
        inside(self);
        self.close(name)
    }

    /// A list in EC2's form: `<name><item>…</item>…</name>`.
    pub(crate) fn items<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.node(name, |xml| {
            for item in items {
                xml.node("item", |xml| each(xml, item));
            }
        })
    }

    /// A list in the query form: `<name><member>…</member>…</name>`.
    pub(crate) fn members<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.node(name, |xml| {
            for item in items {
                xml.node("member", |xml| each(xml, item));
            }
        })
    }

    /// The text of a value that has no element around it (a member of a list of strings).
    pub(crate) fn text(&mut self, value: impl Display) -> &mut Self {
        self.text.push_str(&quick_xml::escape::escape(value.to_string()));
        self
    }

    fn open(&mut self, name: &str) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
    }

    fn close(&mut self, name: &str) -> &mut Self {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
        self
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }
}
