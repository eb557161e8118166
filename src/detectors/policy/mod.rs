//! Detectors that also see what the owner of the policy sees: log-probabilities and advantages.
