import Glibc

enum ChildProcessError: Error, CustomStringConvertible {
    case notStarted(program: String, errno: Int32)
    case ended(program: String, status: Int32, log: String)
    case timedOut(program: String)

    var description: String {
        switch self {
        case .notStarted(let program, let code):
            "\(program) did not start: \(String(cString: strerror(code)))"
        case .ended(let program, let status, let log):
            "\(program) ended with wait status \(status); its log ends with: \(log)"
        case .timedOut(let program): "\(program) took too long and was stopped"
        }
    }
}

/// A process that a benchmark starts. Its output goes to a file. Signals go to its id alone.
final class ChildProcess {
    let program: String
    let id: pid_t
    let log: String
    private var status: Int32?

    /// - Parameters:
    ///   - variables: the whole environment of the process; it inherits none.
    ///   - log: the file for its standard output and standard error.
    init(
        _ program: String, _ arguments: [String], variables: [String: String] = [:], log: String
    ) throws(ChildProcessError) {
        self.program = program
        self.log = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let assignments = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + assignments { free(text) } }
        // Threads that run Swift's tasks block signals. A child that inherited the mask could not
        // be stopped and could not set an alarm.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var id: pid_t = 0
        let failure = posix_spawn(&id, program, &actions, &attributes, words, assignments)
        guard failure == 0 else { throw .notStarted(program: program, errno: failure) }
        self.id = id
        // `deploy/bench` ends these processes if this one cannot.
        TextFile.write("\(id)\n", to: "\(TextFile.folder(of: log))/pids", appending: true)
    }

    deinit { stop() }

    /// The resident size by the kernel; 0 after the process has ended.
    var residentBytes: Int {
        let fields = (TextFile.read("/proc/\(id)/statm") ?? "").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }

    var hasEnded: Bool {
        if status != nil { return true }
        var code: Int32 = 0
        guard waitpid(id, &code, WNOHANG) == id else { return false }
        status = code
        return true
    }

    /// Waits until the process ends, and stops it after `duration`.
    func finish(within duration: Duration) throws(ChildProcessError) {
        let deadline = ContinuousClock.now + duration
        while !hasEnded {
            if .now > deadline {
                stop()
                throw .timedOut(program: program)
            }
            blockThread(for: .milliseconds(5))
        }
        try checkSuccess()
    }

    /// Sends SIGTERM, and SIGKILL if the process has not ended after 10 s.
    func stop() {
        guard !hasEnded else { return }
        kill(id, SIGTERM)
        let deadline = ContinuousClock.now + .seconds(10)
        while !hasEnded, .now < deadline { blockThread(for: .milliseconds(5)) }
        guard !hasEnded else { return }
        kill(id, SIGKILL)
        var code: Int32 = 0
        waitpid(id, &code, 0)
        status = code
    }

    func checkRunning() throws(ChildProcessError) {
        if hasEnded { throw .ended(program: program, status: status ?? -1, log: logEnd) }
    }

    private func checkSuccess() throws(ChildProcessError) {
        guard status == 0 else {
            throw .ended(program: program, status: status ?? -1, log: logEnd)
        }
    }

    /// The last 600 characters of its log.
    var logEnd: String { String((TextFile.read(log) ?? "").suffix(600)) }
}
