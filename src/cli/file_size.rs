//! The limit of a file's size is an error of the write that meets it.

/// Lets a write beyond the limit of a file's size fail, so that its error names the file, instead of ending the process unheard
/// (`SIGXFSZ`). Where that cannot be asked for, all stays as the system has it.
pub fn survive_large_files() {
    #[cfg(unix)]
    {
        let noticed = std::sync::Arc::default();
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, noticed);
    }
}
