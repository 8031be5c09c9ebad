import XCTest

@testable import HTTP

/// The server's reading of literal bytes. Each row is read whole, byte by byte and in pieces:
/// the cuts must not matter.
final class RequestReaderTests: XCTestCase {
    func testServesWellFormedRequests() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / []")
        check("GET /a/b?c=d&e HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET /a/b?c=d&e []")
        check("GET /?a?b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?a?b []")
        check("GET /%41~'()*;:@ HTTP/1.1\r\nhOsT: [::1]:8080\r\n\r\n", "GET /%41~'()*;:@ []")
        check("POST /x HTTP/1.1\r\nHost:a\r\nContent-Length:3\r\n\r\nabc", "POST /x [abc]")
        check("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST /x []")
        check("PURGE /x HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n\r\n", "PURGE /x []")
        check("GET / HTTP/1.0\r\n\r\n", "GET / [] closes")
        check("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / [] closes")
        check("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "GET / [] closes")
        check("GET / HTTP/1.1\r\nHost: a\r\nConnection:\r\n\r\n", "GET / []")
        check("GET / HTTP/1.1\r\nHost: a\r\nX: \tb \u{e9}\t \r\n\r\n", "GET / []")
    }

    func testTakesChunksApart() {
        chunked("3\r\nabc\r\n0\r\n\r\n", "POST / [abc]")
        chunked("1\r\na\r\n2\r\nbc\r\n000\r\n\r\n", "POST / [abc]")
        chunked("00000003\r\nabc\r\n0\r\n\r\n", "POST / [abc]")
        chunked("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "POST / [01234567890123456789]")
        chunked("0\r\n\r\n", "POST / []")
    }

    func testReadsPipelinedRequestsInOrder() {
        let get = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
        let post = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        let chunks =
            "PUT /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
        check(get + post + chunks + get, "GET /1 [] | POST /2 [abc] | PUT /3 [de] | GET /1 []")
        check(post + "GET /4 HTTP/1.1\r\n\r\n" + get, "POST /2 [abc] | 400")
        check(get + "\r\n" + get, "GET /1 [] | 400")
    }

    func testRefusesMalformedRequests() {
        framed("Content-Length: 3\r\nContent-Length: 5", "400")
        framed("Content-Length: +3", "400")
        framed("Content-Length: 0x3", "400")
        framed("Content-Length: -1", "400")
        framed("Content-Length: 3, 3", "400")
        framed("Content-Length: 3\r\nTransfer-Encoding: chunked", "400")
        framed("Transfer-Encoding: chunked\r\nContent-Length: 3", "400")
        framed("Content-Length: 3\r\nTransfer-Encoding: chunked, identity", "400")
        framed("Content-Length: 3\r\nTransfer-Encoding: xchunked", "400")
        framed("Content-Length : 3", "400")
        framed(": nameless\r\nContent-Length: 3", "400")
        framed("X-Role: admin\0x\r\nContent-Length: 3", "400")
        framed("X-Role: admin\rx\r\nContent-Length: 3", "400")
        check("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc", "400")
        framed("X-Folded: a\r\n b\r\nContent-Length: 3", "400")
        chunked("0x3\r\nabc\r\n0\r\n\r\n", "400")
        check("GET / HTTP/1.1\r\n\r\n", "400")
        framed("Host: b\r\nContent-Length: 3", "400")
        check("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400")
        check("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400")
    }

    func testRefusesMalformedRequestLines() {
        for line in [
            "", " GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ",
            "GET /", "GET", "GET /\tHTTP/1.1", "GET\t/ HTTP/1.1", "G\u{e9}T / HTTP/1.1",
            "G(T / HTTP/1.1", "GET a HTTP/1.1", "GET * HTTP/1.1", "OPTIONS * HTTP/1.1",
            "GET http://a/ HTTP/1.1", "CONNECT a:80 HTTP/1.1", "GET ?a HTTP/1.1",
            "GET /a b HTTP/1.1", "GET /#a HTTP/1.1", "GET /<a> HTTP/1.1", "GET /\\a HTTP/1.1",
            "GET /\"a HTTP/1.1", "GET /{a} HTTP/1.1", "GET /^ HTTP/1.1", "GET /` HTTP/1.1",
            "GET /| HTTP/1.1", "GET /% HTTP/1.1", "GET /%4 HTTP/1.1", "GET /%4g HTTP/1.1",
            "GET /\u{e9} HTTP/1.1", "GET /[a] HTTP/1.1", "GET / http/1.1", "GET / HTTP/1.1x",
            "GET / HTTP/11", "GET / HTTP/1,1", "GET / HTTP/ 1.1", "GET / HTTP/1.10",
            "GET / HTTP/01.1", "GET / HTTPS/1.1", "GET / HTTP /1.1", "PRI * HTTP/2.0x",
        ] {
            check("\(line)\r\nHost: a\r\n\r\n", "400")
        }
        for version in ["0.9", "1.2", "2.0", "3.0", "9.9"] {
            check("GET / HTTP/\(version)\r\nHost: a\r\n\r\n", "505")
        }
        check("ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: a\r\n\r\n", "501")
        check("ABCDEFGHIJKLMNOP / HTTP/1.1\r\nHost: a\r\n\r\n", "ABCDEFGHIJKLMNOP / []")
    }

    func testARefusalNamesThePathAsFarAsItWasRead() {
        let long = String(repeating: "b", count: 8200)
        for (request, expected) in [
            ("POST /a/b?c HTTP/1.1\r\nBad name: x\r\n\r\n", "/a/b"),
            ("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", "/a"),
            ("POST /a HTTP/3.0\r\n\r\n", "/a"), ("POST /a \n", "/a"),
            ("POST /\(long)", "/\(long)"),
            ("GET\r\n\r\n", nil), ("\r\n", nil), ("\u{16}\u{3}\u{1}\n", nil),
        ] as [(String, String?)] {
            var reader = RequestReader(limits: HTTPServerLimits())
            Array(request.utf8).withUnsafeBytes { reader.feed($0) }
            var step = reader.next()
            if case .head = step {
                reader.accept(bodyBytesMax: 32)
                step = reader.next()
            }
            guard case .refused(_, let path) = step else { return XCTFail(request) }
            XCTAssertEqual(path, expected, request)
        }
    }

    func testRefusesEveryControlCharacterEverywhere() {
        for code in Array(0..<0x20) + [0x7f] {
            let bad = String(UnicodeScalar(UInt8(code)))
            check("G\(bad)T / HTTP/1.1\r\nHost: a\r\n\r\n", "400")
            check("GET /\(bad)a HTTP/1.1\r\nHost: a\r\n\r\n", "400")
            check("GET / HTTP/1.1\(bad)\r\nHost: a\r\n\r\n", "400")
            check("GET / HTTP/1.1\r\nHo\(bad)st: a\r\n\r\n", "400")
            check("GET / HTTP/1.1\r\nHost: a\(bad)b\r\n\r\n", "400")
            framed("Content-Length: 3\(bad)3", "400")
            if bad != "\t" { framed("X-Name: a\(bad)b\r\nContent-Length: 3", "400") }
        }
    }

    func testRefusesMalformedFieldNames() {
        for name in [
            "X Y", " X", "X ", "X\t", "X(", "X)", "X/", "X[", "X]", "X{", "X}", "X\"", "X,", "X;",
            "X<", "X=", "X>", "X?", "X@", "X\\", "X\u{e9}", "\u{feff}X",
        ] {
            framed("\(name): 1\r\nContent-Length: 3", "400")
        }
        framed("NoColon\r\nContent-Length: 3", "400")
    }

    func testRefusesValuesThatAreNotText() {
        let start = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8)
        for bad: [UInt8] in [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]] {
            check(start + bad + Array("\r\n\r\n".utf8), "400")
        }
    }

    func testRefusesEveryOtherContentLength() {
        for value in [
            "", "3 3", "3,", ",3", "3;", "3.0", "3e0", "03", "00", "0b11", "3_0", "\u{663}", "3h",
            "'3'", "\"3\"", "9999999999999999", "18446744073709551619", "-0", "+0", "0x0",
            "3\u{b}", "NaN", "1 ,1",
        ] {
            framed("Content-Length: \(value)", "400")
        }
        framed("Content-Length: 3\r\nContent-Length: 3", "400")
        framed("content-length: 3\r\nCONTENT-LENGTH: 3", "400")
    }

    func testRefusesEveryOtherTransferEncoding() {
        for value in [
            "", "identity", "gzip", "chunked, chunked", "gzip, chunked", "chunked,", ",chunked",
            "\"chunked\"", "chunked;q=1", "xchunked", "chunkedx", "chunked chunked", "chunk",
            "cow", "chunked\u{a0}", "chunKed, identity", "'chunked'",
        ] {
            framed("Transfer-Encoding: \(value)", "501")
            framed("Transfer-Encoding: \(value)\r\nContent-Length: 3", "400")
            framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: \(value)", "400")
        }
        framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "400")
        framed("Transfer_Encoding: chunked\r\nContent-Length: 3", "POST / [abc]")
    }

    func testRefusesEveryOtherChunk() {
        for body in [
            "\r\n", " 3\r\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n",
            "-3\r\nabc\r\n0\r\n\r\n", "3;a=b\r\nabc\r\n0\r\n\r\n", "3;\r\nabc\r\n0\r\n\r\n",
            "3\nabc\r\n0\r\n\r\n", "3\rabc\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n",
            "3\r\nabc0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc\r\r\n0\r\n\r\n",
            "000000003\r\nabc\r\n0\r\n\r\n", "g\r\n", "3\r\nabc\r\n0\r\nX: y\r\n\r\n",
            "3\r\nabc\r\n0\n\n", "3\r\nabc\r\n0\r\n\n", "3\r\nabc\r\n0;a\r\n\r\n",
            "3\r\nabc\r\n0x0\r\n\r\n", "3\r\nabc\r\n\r\n0\r\n\r\n", "\u{663}\r\nabc\r\n0\r\n\r\n",
            "3\0\r\nabc\r\n", "3\r\0\nabc\r\n", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            chunked(body, "400")
        }
        chunked("FFFFFFFF\r\n", "413")
        chunked("3\r\nabc\r\n1E\r\n", "413")
    }

    func testRefusesMalformedHosts() {
        for host in [
            "", "a b", "a/b", "a?b", "a#b", "u@a", "a:b", "a:123456", "a:80:80", ":80", "[::1",
            "::1", "[]", "[g]", "[::1]x", "a, b", "a\\b", "<a>", "a:-1", "\u{e9}",
        ] {
            check("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n", "400")
        }
        check("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400")
        check("GET / HTTP/1.0\r\nHost:\r\n\r\n", "400")
    }

    func testRefusesUnsupportedFeatures() {
        framed("Content-Encoding: gzip\r\nContent-Length: 3", "415")
        framed("Content-Encoding: identity\r\nContent-Length: 3", "415")
        framed("Expect: 200-ok\r\nContent-Length: 3", "417")
        framed("Connection: \"close\"\r\nContent-Length: 3", "400")
        framed("Content-Length: 33", "413")
        framed("Content-Length: 999999999999999", "413")
    }

    func testLimitsTheHead() {
        func head(_ fields: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }
        func filler(_ count: Int) -> String { String(repeating: "x", count: count) }
        check("GET /\(filler(8192 - 14)) HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\(filler(8178)) []")
        check("GET /\(filler(8192 - 13)) HTTP/1.1\r\nHost: a\r\n\r\n", "414")
        check(filler(9000), "414")
        check(head("X: \(filler(8189))\r\n"), "GET / []")
        check(head("X: \(filler(8190))\r\n"), "431")
        check(head(filler(9000)), "431")
        check(head(String(repeating: "X: y\r\n", count: 63)), "GET / []")
        check(head(String(repeating: "X: y\r\n", count: 64)), "431")
        let line = "X: \(filler(8000))\r\n"
        check(head(line + line + line + line), "GET / []")
        check(head(line + line + line + line + "Y: \(filler(800))\r\n"), "431")
    }

    func testTheSizeOfReadsNeverChangesTheResult() {
        var random = Seeded(state: 20_260_117)
        let seeds = [
            "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n",
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nX",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, b\r\nExpect: 100-continue\r\n\r\n",
        ].map { Array($0.utf8) }
        let spice = Array("\r\n\0 \t:,;%0123chunkedx\u{7f}".utf8)
        for _ in 0..<3000 {
            var bytes = seeds[Int(random.next() % 3)]
            for _ in 0...Int(random.next() % 3) {
                let place = Int(random.next() % UInt64(bytes.count))
                let new = spice[Int(random.next() % UInt64(spice.count))]
                switch random.next() % 3 {
                case 0: bytes[place] = new
                case 1: bytes.insert(new, at: place)
                case _: bytes.remove(at: place)
                }
            }
            let whole = outcome(of: bytes, piece: bytes.count)
            XCTAssertEqual(outcome(of: bytes, piece: 1), whole, "\(bytes)")
        }
    }

    /// A POST whose header fields, after `Host`, are the given ones.
    private func framed(_ fields: String, _ expected: String, line: UInt = #line) {
        check("POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\nabc", expected, line: line)
    }

    private func chunked(_ body: String, _ expected: String, line: UInt = #line) {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        check(head + body, expected, line: line)
    }

    private func check(_ text: String, _ expected: String, line: UInt = #line) {
        check(Array(text.utf8), expected, line: line)
    }

    private func check(_ bytes: [UInt8], _ expected: String, line: UInt = #line) {
        let text = String(decoding: bytes.prefix(120), as: UTF8.self).debugDescription
        for piece in [bytes.count, 1, 7] {
            let outcome = outcome(of: bytes, piece: piece)
            XCTAssertEqual(outcome, expected, "\(piece): \(text)", line: line)
        }
    }

    /// The requests that the reader finds in pieces of this size.
    private func outcome(of bytes: [UInt8], piece: Int) -> String {
        var reader = RequestReader(limits: HTTPServerLimits())
        var outcomes: [String] = []
        for start in stride(from: 0, to: bytes.count, by: max(1, piece)) {
            let end = min(start + piece, bytes.count)
            bytes[start..<end].withUnsafeBytes { reader.feed($0) }
            reading: while true {
                switch reader.next() {
                case .needsMore: break reading
                case .head: reader.accept(bodyBytesMax: 32)
                case .request(let request, let keepsAlive):
                    outcomes.append(summary(request) + (keepsAlive ? "" : " closes"))
                case .refused(let refusal, _): outcomes.append(String(refusal.status))
                }
            }
        }
        return outcomes.joined(separator: " | ")
    }
}

/// SplitMix64: the same numbers in every run.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
