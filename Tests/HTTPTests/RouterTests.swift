import XCTest

@testable import HTTP

final class RouterTests: XCTestCase {
    private let router = HTTPRouter<String>([
        "GET /": "root",
        "GET|HEAD /users": "list",
        "GET /users/me": "me",
        "GET /users/{}": "one",
        "PUT /users/{}": "change",
        "POST /users/{}/notes/{}": "note",
        "GET /files/**": "file",
    ])

    func testARouteIsFoundByMethodAndPath() {
        for (method, path, handler, parameters) in [
            ("GET", "/", "root", []), ("GET", "/users", "list", []),
            ("HEAD", "/users", "list", []), ("GET", "/users/me", "me", []),
            ("GET", "/users/P1", "one", ["P1"]), ("PUT", "/users/me", "change", ["me"]),
            ("GET", "/users/", "one", [""]), ("GET", "/users/a%2Fb", "one", ["a%2Fb"]),
            ("POST", "/users/P1/notes/7", "note", ["P1", "7"]),
            ("GET", "/files/a/b/", "file", ["a", "b", ""]),
        ] {
            guard case .handler(let found, let values) = router.match(method: method, path: path)
            else { return XCTFail("\(method) \(path)") }
            XCTAssertEqual(found, handler, path)
            XCTAssertEqual(values.map(String.init), parameters, path)
        }
    }

    func testAnotherPathIsNotFound() {
        for path in ["/user", "/users/P1/", "/users/P1/notes", "/Users", "/files", "//users"] {
            guard case .notFound = router.match(method: "GET", path: path) else {
                return XCTFail(path)
            }
        }
    }

    func testAnotherMethodIsToldWhichAreAllowed() {
        for (method, path, expected) in [
            ("POST", "/users", "GET, HEAD"), ("DELETE", "/users/P1", "GET, PUT"),
            ("get", "/files/a", "GET"), ("GE", "/files/a", "GET"),
        ] {
            guard
                case .methodNotAllowed(let allowed) = router.match(method: method, path: path)
            else { return XCTFail("\(method) \(path)") }
            XCTAssertEqual(allowed, expected, path)
        }
    }
}
