//! The only room that names the AWS SDK: clients, the credential broker, thin calls.
