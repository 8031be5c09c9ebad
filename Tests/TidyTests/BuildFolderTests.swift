import Foundation
import XCTest

/// `deploy/build-folder` in a checkout that holds nothing but the script and a build folder.
final class BuildFolderTests: XCTestCase {
    private var checkout = URL(fileURLWithPath: "/")
    private var product: String { "\(checkout.path)/.build/product" }

    override func setUpWithError() throws {
        checkout = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
            .appendingPathComponent("liaison-\(UUID().uuidString)")
        let scripts = checkout.appendingPathComponent("deploy")
        try FileManager.default.createDirectory(at: scripts, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: SourceTree.shared.root.appendingPathComponent("deploy/build-folder"),
            to: scripts.appendingPathComponent("build-folder"))
    }

    override func tearDownWithError() throws {
        try FileManager.default.removeItem(at: checkout)
    }

    func testAFolderMadeHereIsKept() throws {
        XCTAssertEqual(try output(), "")
        try write("", to: product)
        XCTAssertEqual(try output(), "")
        XCTAssertTrue(FileManager.default.fileExists(atPath: product))
    }

    func testAFolderOfAMovedCheckoutIsDeletedAndItIsSaid() throws {
        XCTAssertEqual(try output(), "")
        try write("", to: product)
        let former = checkout
        checkout = URL(fileURLWithPath: "\(former.path)-moved")
        try FileManager.default.moveItem(at: former, to: checkout)
        XCTAssertEqual(
            try output(),
            ".build was made at \(former.path) and does not work at \(checkout.path): "
                + "building everything again.\n")
        XCTAssertFalse(FileManager.default.fileExists(atPath: product))
        XCTAssertEqual(try output(), "")
    }

    func testAFolderMadeByTheCompilerAloneIsJudgedByItsModules() throws {
        for (path, isKept) in [(checkout.path, true), ("/elsewhere/liaison", false)] {
            try? FileManager.default.removeItem(atPath: "\(checkout.path)/.build")
            try write("", to: product)
            try write("no path", to: "\(checkout.path)/.build/ModuleCache/SwiftShims-1.pcm")
            try write(
                "\u{0}\(path)/Shared/System/CCurl/module.modulemap\u{0}",
                to: "\(checkout.path)/.build/ModuleCache/CCurl-2.pcm")
            XCTAssertEqual(try output().isEmpty, isKept, path)
            XCTAssertEqual(FileManager.default.fileExists(atPath: product), isKept, path)
        }
    }

    func testAnotherFolderIsJudgedByItself() throws {
        XCTAssertEqual(try output(), "")
        try write("", to: product)
        try write("/elsewhere/liaison\n", to: "\(checkout.path)/.build-address/made-at")
        XCTAssertTrue(try output(".build-address").hasPrefix(".build-address was made at"))
        XCTAssertTrue(FileManager.default.fileExists(atPath: product))
    }

    func testEveryScriptThatBuildsAsksForTheFolder() {
        for script in SourceTree.shared.files where script.path.hasPrefix("deploy/") {
            let builds = script.text.contains(/^ *swift build/.anchorsMatchLineEndings())
            let checks = script.text.contains(/^deploy\/build-folder/.anchorsMatchLineEndings())
            XCTAssertEqual(builds, checks, script.path)
        }
    }

    private func write(_ text: String, to path: String) throws {
        let file = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// Everything that the script prints.
    private func output(_ folder: String = ".build") throws -> String {
        let script = checkout.appendingPathComponent("deploy/build-folder")
        let process = try ScriptProcess(script, [folder])
        XCTAssertEqual(process.status, 0)
        return process.output
    }
}
