//! A file of lines that wait to be acknowledged, and beside it how far they are.
//!
//! Lines are appended and never changed. `<spool>.acked` holds the offset of the first line that waits; it is
//! replaced whole, so a crash leaves the old or the new one. When nothing waits, the file starts anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Why the spool did not take or give lines.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The bound is reached; nothing was written.
    #[error("the spool is full")]
    Full,
    /// The disk failed.
    #[error("the spool file failed")]
    Io(#[from] io::Error),
}

/// Lines at the head of the spool.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) lines: Vec<u8>,
    pub(crate) events: usize,
}

#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: File,
    bytes_max: u64,
    acked: u64,
    end: u64,
}

impl Spool {
    pub(crate) fn open(path: &Path, bytes_max: u64) -> Result<Self, SpoolError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let end = whole_lines(&file)?;
        // A line cut short by a crash was never promised to anybody.
        file.set_len(end)?;
        let acked = match fs::read_to_string(acked_path(path)) {
            Ok(text) => text.trim().parse().unwrap_or(0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error.into()),
        };
        // Beyond the end: the crash came between emptying the file and noting it.
        let acked = if acked > end { 0 } else { acked };
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes_max,
            acked,
            end,
        })
    }

    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.end - self.acked
    }

    pub(crate) fn append(&mut self, line: &[u8]) -> Result<(), SpoolError> {
        if self.end + line.len() as u64 + 1 > self.bytes_max {
            return Err(SpoolError::Full);
        }
        let mut whole = line.to_vec();
        whole.push(b'\n');
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&whole)?;
        self.end += whole.len() as u64;
        Ok(())
    }

    pub(crate) fn peek(&mut self, events_max: usize, bytes_max: usize) -> Result<Batch, SpoolError> {
        self.file.seek(SeekFrom::Start(self.acked))?;
        let mut reader = BufReader::new(&self.file);
        let mut batch = Batch::default();
        while batch.events < events_max && batch.lines.len() < bytes_max {
            if reader.read_until(b'\n', &mut batch.lines)? == 0 {
                break;
            }
            batch.events += 1;
        }
        Ok(batch)
    }

    pub(crate) fn forget(&mut self, batch: &Batch) -> Result<(), SpoolError> {
        self.acked += batch.lines.len() as u64;
        if self.acked < self.end {
            return self.note(self.acked);
        }
        // The note first: an emptied file under an old note would skip lines written later.
        self.note(0)?;
        self.file.set_len(0)?;
        (self.acked, self.end) = (0, 0);
        Ok(())
    }

    fn note(&self, acked: u64) -> Result<(), SpoolError> {
        let path = acked_path(&self.path);
        let draft = path.with_extension("draft");
        fs::write(&draft, acked.to_string())?;
        fs::rename(draft, path)?;
        Ok(())
    }
}

fn acked_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".acked");
    PathBuf::from(name)
}

fn whole_lines(file: &File) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let (mut end, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok(end);
        }
        end += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{Spool, SpoolError};

    #[test]
    fn what_is_not_acknowledged_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut spool = Spool::open(&path, 1_000).unwrap();
        for line in ["one", "two", "three"] {
            spool.append(line.as_bytes()).unwrap();
        }
        let batch = spool.peek(1, 1_000).unwrap();
        assert_eq!((batch.lines.as_slice(), batch.events), (&b"one\n"[..], 1));
        spool.forget(&batch).unwrap();
        drop(spool);
        // A crash in the middle of a line.
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"fo")
            .unwrap();

        let mut spool = Spool::open(&path, 1_000).unwrap();
        spool.append(b"five").unwrap();
        let batch = spool.peek(10, 1_000).unwrap();
        assert_eq!(batch.lines, b"two\nthree\nfive\n");
        spool.forget(&batch).unwrap();
        assert_eq!(spool.waiting_bytes(), 0);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        spool.append(b"six").unwrap();
        drop(spool);
        assert_eq!(
            Spool::open(&path, 1_000).unwrap().peek(10, 1_000).unwrap().lines,
            b"six\n"
        );
    }

    #[test]
    fn a_full_spool_refuses_and_a_batch_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&folder.path().join("spool"), 12).unwrap();
        spool.append(b"12345").unwrap();
        spool.append(b"12345").unwrap();
        assert!(matches!(spool.append(b""), Err(SpoolError::Full)));
        assert_eq!(spool.peek(10, 1).unwrap().events, 1);
    }
}
