import Foundation
import Synchronization
import Testing

/// Runs a suite within one mesh, started before its first test and taken down after its last.
struct MeshTrait: SuiteTrait, TestScoping {
    /// Once, for the suite that bears it.
    var isRecursive: Bool { false }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await TestMesh.with { _ in try await function() }
    }
}

extension Trait where Self == MeshTrait {
    static var withMesh: Self { Self() }
}

/// Whether any test of a mesh failed: then the logs of its processes are worth reading.
final class Failures: Sendable {
    @TaskLocal static var current: Failures?

    private let noted = Mutex(false)

    var any: Bool { self.noted.withLock { $0 } }
    func note() { self.noted.withLock { $0 = true } }
}

/// The processes that a mesh started beside the fleet's.
actor Guests {
    private var processes: [PeerProcess] = []

    func add(_ process: PeerProcess) { self.processes.append(process) }

    /// Ends those of that name.
    func stop(_ name: String) async {
        for process in self.processes where process.name == name { await process.stop() }
        self.processes.removeAll { $0.name == name }
    }

    func stopAll() async {
        for process in self.processes { await process.stop() }
        self.processes = []
    }
}
