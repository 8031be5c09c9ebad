import Foundation  // FileHandle: each line is written at once, whoever reads.

/// `sandbox play`: the exit status is 0 when every step came out as expected, 1 when one did not,
/// 2 when the words make no sense.
func play(_ words: [String]) async -> Int32 {
    guard let configuration = PlayConfiguration(words) else {
        FileHandle.standardError.write(Data("\(PlayConfiguration.usage)\n".utf8))
        return 2
    }
    do throws(PlayProblem) {
        let script = try PlayScript(file: configuration.file)
        var player = Player(
            script, on: try PlayStage(configuration), variables: configuration.variables
        ) { line in FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
        let failed = try await player.play()
        let passed = script.steps.count - failed
        player.print("\ndemo: \(passed) steps passed, \(failed) failed")
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE
    } catch {
        FileHandle.standardError.write(Data("\(error.sentence)\n".utf8))
        return EXIT_FAILURE
    }
}
