//! Why one event does not count: a stable code and where in the event it went wrong.

use std::fmt;

/// A refused event. The code is for programs, the pointer for whoever repairs the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What is wrong.
    pub code: RejectionCode,
    /// RFC 6901 pointer into the event; empty for the event as a whole.
    pub pointer: String,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// What can be wrong with one event. Codes may be added, never renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RejectionCode {
            $($(#[$doc])* $name,)*
        }

        impl RejectionCode {
            /// All codes, for the document and its test.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// Not JSON, or bad UTF-8, or a lone surrogate.
    Malformed => "malformed",
    /// More than 64 KiB.
    TooLarge => "too_large",
    /// Nested deeper than 64.
    TooDeep => "too_deep",
    /// One name twice in an object.
    DuplicateKey => "duplicate_key",
    /// JSON, but not an object.
    NotAnObject => "not_an_object",
    /// A required attribute is not there.
    AttributeMissing => "attribute_missing",
    /// An attribute of the wrong type, empty, too long or with control characters.
    AttributeInvalid => "attribute_invalid",
    /// Not CloudEvents 1.0.
    SpecversionUnsupported => "specversion_unsupported",
    /// `data` is not JSON.
    DataNotJson => "data_not_json",
    /// Names another tenant than the credential.
    TenantMismatch => "tenant_mismatch",
    /// Not RFC 3339.
    TimeInvalid => "time_invalid",
    /// Older than we promise to recognise as a duplicate.
    TimeTooOld => "time_too_old",
    /// Further ahead than clocks differ.
    TimeInFuture => "time_in_future",
    /// The meter's pointer finds nothing.
    QuantityMissing => "quantity_missing",
    /// Neither an integer nor a decimal string.
    QuantityInvalid => "quantity_invalid",
    /// A floating point number or too many decimals.
    QuantityNotExact => "quantity_not_exact",
    /// Below zero.
    QuantityNegative => "quantity_negative",
    /// Above 10^12.
    QuantityTooLarge => "quantity_too_large",
    /// A dimension of the wrong type or longer than 128 bytes.
    DimensionInvalid => "dimension_invalid",
}

impl Rejection {
    /// A refusal at `pointer`.
    pub fn at(code: RejectionCode, pointer: impl Into<String>) -> Self {
        Self {
            code,
            pointer: pointer.into(),
        }
    }

    /// A refusal of the event as a whole.
    #[must_use]
    pub fn whole(code: RejectionCode) -> Self {
        Self::at(code, "")
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {:?}", self.code.as_str(), self.pointer)
    }
}

impl std::error::Error for Rejection {}
