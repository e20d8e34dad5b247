//! The words and signs of a statement, without spaces and comments.

use sqlparser::dialect::RedshiftSqlDialect;
use sqlparser::tokenizer::{Token as Lexeme, Tokenizer};

use super::Unsupported;

/// One piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A keyword or a name; quoted names are never keywords.
    Word { text: String, quoted: bool },
    /// A number as written.
    Number(String),
    /// A string's content.
    Text(String),
    /// `:name`.
    Parameter(String),
    /// An operator or a bracket.
    Symbol(&'static str),
    /// PostgreSQL text that this module put in.
    Raw(&'static str),
}

impl Token {
    /// Whether this is the keyword, in any case.
    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Self::Word { text, quoted: false } if text.eq_ignore_ascii_case(keyword))
    }

    pub(crate) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is_word(keyword))
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self, Self::Symbol(own) if *own == symbol)
    }

    /// The name, for a word.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Word { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// Reads a statement's pieces.
///
/// # Errors
/// For text that Redshift's tokenizer refuses and for every sign outside the list: arrays, JSON operators, dollar
/// quotes and the like do not get past here.
pub(crate) fn tokenize(sql: &str) -> Result<Vec<Token>, Unsupported> {
    let lexemes = Tokenizer::new(&RedshiftSqlDialect {}, sql).tokenize();
    let lexemes = lexemes.map_err(|error| Unsupported::new(format!("this text ({error})")))?;
    let mut tokens = Vec::new();
    let mut lexemes = lexemes.into_iter().peekable();
    while let Some(lexeme) = lexemes.next() {
        // A colon makes a parameter only of the word right behind it.
        if lexeme == Lexeme::Colon
            && let Some(Lexeme::Word(word)) = lexemes.next_if(|next| matches!(next, Lexeme::Word(_)))
        {
            tokens.push(Token::Parameter(word.value));
            continue;
        }
        tokens.extend(token(lexeme)?);
    }
    Ok(tokens)
}

fn token(lexeme: Lexeme) -> Result<Option<Token>, Unsupported> {
    let token = match lexeme {
        Lexeme::Whitespace(_) | Lexeme::EOF => return Ok(None),
        Lexeme::Word(word) => Token::Word {
            quoted: word.quote_style.is_some(),
            text: word.value,
        },
        Lexeme::Number(digits, false) => Token::Number(digits),
        Lexeme::SingleQuotedString(text) => Token::Text(text),
        other => Token::Symbol(symbol(&other).ok_or_else(|| Unsupported::new(format!("'{other}'")))?),
    };
    Ok(Some(token))
}

fn symbol(lexeme: &Lexeme) -> Option<&'static str> {
    let symbol = match lexeme {
        Lexeme::Comma => ",",
        Lexeme::Period => ".",
        Lexeme::LParen => "(",
        Lexeme::RParen => ")",
        Lexeme::SemiColon => ";",
        Lexeme::Eq => "=",
        Lexeme::Neq => "<>",
        Lexeme::Lt => "<",
        Lexeme::LtEq => "<=",
        Lexeme::Gt => ">",
        Lexeme::GtEq => ">=",
        Lexeme::Plus => "+",
        Lexeme::Minus => "-",
        Lexeme::Mul => "*",
        Lexeme::Div => "/",
        Lexeme::Mod => "%",
        Lexeme::StringConcat => "||",
        Lexeme::DoubleColon => "::",
        _ => return None,
    };
    Some(symbol)
}

/// Writes pieces for PostgreSQL. Strings are quoted anew, so that no content can end its string.
pub(crate) fn render(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        if !text.is_empty() {
            text.push(' ');
        }
        match token {
            Token::Word {
                text: name,
                quoted: true,
            } => text.push_str(&format!("\"{}\"", name.replace('"', "\"\""))),
            Token::Word {
                text: name,
                quoted: false,
            } => text.push_str(name),
            Token::Number(digits) => text.push_str(digits),
            Token::Text(content) => text.push_str(&format!("'{}'", content.replace('\'', "''"))),
            Token::Parameter(name) => text.push_str(&format!(":{name}")),
            Token::Symbol(symbol) => text.push_str(symbol),
            Token::Raw(raw) => text.push_str(raw),
        }
    }
    text
}
