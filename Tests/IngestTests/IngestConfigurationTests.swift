import Runtime
import XCTest

@testable import Ingest

final class IngestConfigurationTests: XCTestCase {
    private let needed = [
        "LIAISON_DATABASE_URL": "host=db dbname=liaison",
        "LIAISON_MASTER_KEY": String(repeating: "A", count: 43) + "=",
    ]

    func testTheDefaultsAreThoseOfTheSettingsPage() throws {
        let configuration = try IngestConfiguration.read(needed)
        XCTAssertEqual(configuration.publicAddress.port, 8080)
        XCTAssertEqual(configuration.operationsAddress.host, "127.0.0.1")
        XCTAssertEqual(configuration.operationsAddress.port, 9080)
        XCTAssertEqual(configuration.pagerDutyBytesMax, 524_288)
        XCTAssertEqual(configuration.salesforceBytesMax, 4_194_304)
        XCTAssertEqual(configuration.append.writers, 2)
        XCTAssertEqual(configuration.append.batchEventsMax, 256)
    }

    func testEveryProblemIsReportedAndNoSecretIsRepeated() {
        XCTAssertThrowsError(
            try IngestConfiguration.read([
                "LIAISON_DATABASE_URL": "s3cret=1", "LIAISON_MASTER_KEY": "s3cret",
                "LIAISON_INGEST_PORT": "99999", "LIAISON_INGEST_PROT": "1",
            ])
        ) { error in
            let lines = (error as? ConfigurationProblems)?.lines ?? []
            XCTAssertEqual(lines.count, 4, "\(lines)")
            XCTAssertFalse(lines.joined().contains("s3cret"))
        }
        XCTAssertThrowsError(try IngestConfiguration.read([:])) { error in
            let lines = (error as? ConfigurationProblems)?.lines ?? []
            XCTAssertEqual(
                lines, ["LIAISON_DATABASE_URL is missing", "LIAISON_MASTER_KEY is missing"])
        }
    }
}
