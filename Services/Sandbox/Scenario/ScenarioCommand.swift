import Foundation  // FileHandle: each line is written at once.

/// Runs `sandbox scenario`.
///
/// - Returns: the exit status: 0 if every step passed, 1 if one failed, 2 for wrong arguments.
func runScenario(_ words: [String]) async -> Int32 {
    guard let configuration = ScenarioConfiguration(words) else {
        FileHandle.standardError.write(Data("\(ScenarioConfiguration.usage)\n".utf8))
        return 2
    }
    do {
        let scenario = try Scenario(file: configuration.file)
        var runner = ScenarioRunner(
            scenario, on: try ScenarioEnvironment(configuration), variables: configuration.variables
        ) { line in FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
        let failed = try await runner.run()
        let passed = scenario.steps.count - failed
        runner.print("\ndemo: \(passed) steps passed, \(failed) failed")
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE
    } catch {
        FileHandle.standardError.write(Data("\(error.sentence)\n".utf8))
        return EXIT_FAILURE
    }
}
