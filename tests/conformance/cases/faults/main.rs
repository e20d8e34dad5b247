//! What a caller meets when AWS throttles, fails, runs out of something, or when roles change under it: each service
//! says it in its own words. The mishaps are raised by fault rules, so these cases need a controlled endpoint.

mod batches;
mod codes;
mod quotas;
mod roles;
