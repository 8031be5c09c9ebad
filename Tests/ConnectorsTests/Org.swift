import Crypto
import HTTP
import JSON
import Models
import XCTest

@testable import Connectors

/// An invented organisation, and a client for it that talks to a script.
enum Org {
    static let privateKey = Result { try RSAPrivateKey.generate(bits: 2048) }
    static let user = "005000000000001AAA"
    static let id = "00D000000000001EAA"
    /// The time on the client's clock.
    static let now = Timestamp(seconds: 1_772_442_904)

    static func settings(login: String = "https://login.salesforce.com") throws
        -> SalesforceSettings
    {
        SalesforceSettings(
            login: try XCTUnwrap(ServerOrigin(login)),
            audience: "https://login.salesforce.com", consumerKey: "3MVG9.consumer",
            username: "liaison@acme.example.sandbox1", privateKey: try privateKey.get())
    }

    static func client(_ script: Script) throws -> Salesforce {
        Salesforce(settings: try settings(), send: script.send, now: { now })
    }

    /// Logs in the first request, then gives the answers one after the other.
    static func script(_ answers: [Result<HTTPResponse, HTTPClientError>]) -> Script {
        Script([.json(200, token("T1"))] + answers)
    }

    static func token(
        _ token: String, instance: String = "https://acme.my.salesforce.com"
    ) -> JSON {
        [
            "access_token": .string(token), "instance_url": .string(instance),
            "id": .string("https://login.salesforce.com/id/\(id)/\(user)"),
            "scope": "api", "token_type": "Bearer", "something_new": 1,
        ]
    }

    static let expired =
        #"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#

    static func record(_ object: String, _ id: String) throws -> RecordReference {
        RecordReference(object: object, id: try XCTUnwrap(RecordID(id)))
    }
}

extension Script {
    var logins: Int { requests.filter { $0.url.hasSuffix("/services/oauth2/token") }.count }
}
