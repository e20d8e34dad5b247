//! Comma-separated values that no spreadsheet takes for a formula (RFC 4180, CRLF).

/// Appends one line. A cell that begins like a formula gets an apostrophe; numbers of ours are exempt,
/// because they are never negative.
pub(crate) fn line(out: &mut String, cells: &[&str]) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        push_cell(out, cell);
    }
    out.push_str("\r\n");
}

fn push_cell(out: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = formula || cell.contains([',', '"', '\n', '\r']);
    if !quoted {
        out.push_str(cell);
        return;
    }
    out.push('"');
    if formula {
        out.push('\'');
    }
    out.push_str(&cell.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    #[test]
    fn hostile_cells_stay_text() {
        let mut out = String::new();
        super::line(
            &mut out,
            &["plain", "=cmd()", "-1+1", "@x", "a,b", "say \"hi\"", "12.5"],
        );
        assert_eq!(
            out,
            "plain,\"'=cmd()\",\"'-1+1\",\"'@x\",\"a,b\",\"say \"\"hi\"\"\",12.5\r\n"
        );
    }
}
