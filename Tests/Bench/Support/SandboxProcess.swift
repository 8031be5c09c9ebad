import Crypto
import Models

/// A running `sandbox`, which stands in for both vendors.
struct SandboxProcess {
    let child: ChildProcess
    let pagerDutyURL: String
    let salesforceURL: String
    private let key: RSAPrivateKey
    let control: SandboxControl

    /// - Parameter callsPerMinuteMax: the limit of each PagerDuty credential.
    static func start(
        in environment: BenchEnvironment, callsPerMinuteMax: Int = 960
    ) async throws -> SandboxProcess {
        let key = try RSAPrivateKey.generate()
        let (pagerDuty, salesforce) = (LoopbackAddress.freePort(), LoopbackAddress.freePort())
        let child = try await environment.start(
            "sandbox",
            [
                "SANDBOX_PAGERDUTY_PORT": "\(pagerDuty)",
                "SANDBOX_SALESFORCE_PORT": "\(salesforce)",
                "SANDBOX_SALESFORCE_PUBLIC_KEY": key.publicPEM,
                "SANDBOX_PAGERDUTY_CALLS_PER_MINUTE_MAX": "\(callsPerMinuteMax)",
                "SANDBOX_LOG_LEVEL": "warning",
            ], readyAt: "http://127.0.0.1:\(pagerDuty)/_sandbox")
        return SandboxProcess(
            child: child, pagerDutyURL: "http://127.0.0.1:\(pagerDuty)",
            salesforceURL: "http://127.0.0.1:\(salesforce)", key: key,
            control: SandboxControl(
                url: "http://127.0.0.1:\(pagerDuty)/_sandbox", http: environment.http))
    }

    /// The sandbox's organisation, with what a connection needs to log in.
    var organization: SalesforceOrganization {
        SalesforceOrganization(
            loginURL: salesforceURL, audience: "https://login.salesforce.com",
            clientID: "3MVG9SandboxConsumerKey", username: "liaison@sandbox.example",
            privateKey: SecretText(key.pem))
    }
}
