//! The field's nouns and rules, pure: no clock, no randomness, no waiting.
