import Glibc

/// Writes a line to standard error while benchmarks run.
func printProgress(_ text: String) {
    let line = Array("bench: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}
