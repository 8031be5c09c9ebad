import Glibc
import Runtime
import XCTest

final class OpenFilesTests: XCTestCase {
    func testMoreFilesAreAllowedAndNeverFewer() {
        let before = allowed
        set(before - 1)
        OpenFiles.allow(16)
        XCTAssertEqual(allowed, before - 1)
        OpenFiles.allow(Int(before))
        XCTAssertEqual(allowed, before)
    }

    private let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private var allowed: rlim_t {
        var limit = rlimit()
        XCTAssertEqual(getrlimit(resource, &limit), 0)
        return limit.rlim_cur
    }

    private func set(_ count: rlim_t) {
        var limit = rlimit()
        XCTAssertEqual(getrlimit(resource, &limit), 0)
        limit.rlim_cur = count
        XCTAssertEqual(setrlimit(resource, &limit), 0)
    }
}
