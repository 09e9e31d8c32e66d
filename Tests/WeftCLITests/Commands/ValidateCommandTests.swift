import Testing
import WeftModel

@testable import WeftCLI

@Suite struct ValidateCommandTests {
    private static let policy = """
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: billing}
        spec:
          targetRefs: [{group: "", kind: Service, name: billing}]
          timeouts: {perTry: 2s}

        """

    private func check(_ text: String) -> [Diagnostic] {
        ValidateCommand.check([APIDocument(file: "a.yaml", text: text)], now: 0).diagnostics
    }

    @Test func `documents that contradict each other are an error without a control plane`() {
        let settings = """
            apiVersion: weft.dev/v1
            kind: MeshSettings
            metadata: {name: mesh}
            spec: {traffic: {timeouts: {request: 1s}}}
            ---

            """
        #expect(self.check(settings + Self.policy).map(\.severity).contains(.error))
    }

    @Test func `what the documents name and do not hold is a warning`() {
        let found = self.check(Self.policy)
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.message.contains("not among these documents") == true)
    }

    @Test func `a fleet's services are known to the resources behind it`() {
        let fleet = """
            fleet: test
            services:
              billing:
                command: [/bin/true]
            ---

            """
        #expect(self.check(fleet + Self.policy) == [])
    }
}
