import Glibc

enum ChildProcessError: Error {
    case notStarted(program: String, errno: Int32)
    case ended(program: String, status: Int32, log: String)
    case overtime(program: String)
}

/// A process of the bench. Its words go to a file; it is stopped by its id and by nothing else.
final class ChildProcess {
    let program: String
    let id: pid_t
    let log: String
    private var status: Int32?

    /// - Parameters:
    ///   - environment: all that it gets; nothing is inherited.
    ///   - log: the file that takes its output and its errors.
    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], log: String
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
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        // Threads that run Swift's tasks hold signals back, and a child would inherit that: it
        // could neither be stopped nor set itself an alarm.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var id: pid_t = 0
        let failure = posix_spawn(&id, program, &actions, &attributes, words, variables)
        guard failure == 0 else { throw .notStarted(program: program, errno: failure) }
        self.id = id
        // So that whoever called the bench can end them when it could not.
        TextFile.write("\(id)\n", to: "\(TextFile.folder(of: log))/pids", appending: true)
    }

    deinit { stop() }

    /// Resident size by the kernel; 0 when it has ended.
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

    /// Waits until it ends by itself.
    func finish(withinSeconds seconds: Double) throws(ChildProcessError) {
        let end = monotonicNanoseconds() + nanoseconds(seconds)
        while !hasEnded {
            if monotonicNanoseconds() > end {
                stop()
                throw .overtime(program: program)
            }
            block(milliseconds: 5)
        }
        try checkSuccess()
    }

    /// Asks it to end, and ends it when it does not within 10 seconds.
    func stop() {
        guard !hasEnded else { return }
        kill(id, SIGTERM)
        let end = monotonicNanoseconds() + nanoseconds(10)
        while !hasEnded, monotonicNanoseconds() < end { block(milliseconds: 5) }
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

    private var logEnd: String { String((TextFile.read(log) ?? "").suffix(600)) }
}
