import XCTest

@testable import Worker

final class MailboxTests: XCTestCase {
    func testTakesAllLettersInTheirOrder() async {
        let mailbox = Mailbox<Int>()
        for letter in 1...3 { mailbox.put(letter) }
        let taken = await mailbox.take()
        XCTAssertEqual(taken, [1, 2, 3])
    }

    func testWaitsForTheFirstLetter() async {
        let mailbox = Mailbox<Int>()
        async let taken = mailbox.take()
        mailbox.put(7)
        let letters = await taken
        XCTAssertEqual(letters, [7])
    }

    func testNoLetterIsLostOrToldTwice() async {
        let mailbox = Mailbox<Int>()
        let letters = await withTaskGroup(of: Void.self) { group in
            for sender in 0..<8 {
                group.addTask { for number in 0..<500 { mailbox.put(sender * 500 + number) } }
            }
            var letters: [Int] = []
            while letters.count < 4000 { letters += await mailbox.take() }
            return letters
        }
        XCTAssertEqual(letters.sorted(), Array(0..<4000))
    }

    func testACancelledReaderGetsNothing() async {
        let mailbox = Mailbox<Int>()
        let taken = await withTaskGroup(of: [Int].self) { group in
            group.addTask { await mailbox.take() }
            group.cancelAll()
            return await group.next()
        }
        XCTAssertEqual(taken, [])
    }
}
