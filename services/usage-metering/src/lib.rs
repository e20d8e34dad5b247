//! Usage events through Kinesis to exact, live numbers.
