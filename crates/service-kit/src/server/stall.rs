//! A socket that gives up on a reader who does not read.
//!
//! A time-out on the reply's body would not notice: while the socket is full nobody asks the body. The
//! socket itself is asked, so the clock runs here.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

pin_project! {
    pub(super) struct StalledWriter<T> {
        #[pin]
        inner: T,
        #[pin]
        timer: Sleep,
        patience: Duration,
        waiting: bool,
    }
}

impl<T> StalledWriter<T> {
    pub(super) fn new(inner: T, patience: Duration) -> Self {
        Self {
            inner,
            timer: sleep(patience),
            patience,
            waiting: false,
        }
    }

    /// Passes on what the socket said, unless it has said "not yet" for too long.
    fn judge<R>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        answer: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let mut this = self.project();
        if answer.is_ready() {
            *this.waiting = false;
            return answer;
        }
        if !*this.waiting {
            *this.waiting = true;
            this.timer.as_mut().reset(Instant::now() + *this.patience);
        }
        match this.timer.poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead> AsyncRead for StalledWriter<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.project().inner.poll_read(context, buffer)
    }
}

impl<T: AsyncWrite> AsyncWrite for StalledWriter<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let answer = self.as_mut().project().inner.poll_write(context, bytes);
        self.judge(context, answer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let answer = self.as_mut().project().inner.poll_write_vectored(context, pieces);
        self.judge(context, answer)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let answer = self.as_mut().project().inner.poll_flush(context);
        self.judge(context, answer)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let answer = self.as_mut().project().inner.poll_shutdown(context);
        self.judge(context, answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn a_reader_who_does_not_read_is_cut() {
        let (ours, theirs) = tokio::io::duplex(16);
        let mut socket = Box::pin(StalledWriter::new(ours, Duration::from_millis(20)));
        let outcome = socket.write_all(&[0; 64]).await;
        assert_eq!(
            outcome.map_err(|error| error.kind()),
            Err(io::ErrorKind::TimedOut)
        );
        drop(theirs);
    }
}
