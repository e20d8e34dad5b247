//! Tenant signup, identity, the operator's API, and connecting an AWS account.
