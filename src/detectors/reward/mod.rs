//! Detectors that see rewards only.
