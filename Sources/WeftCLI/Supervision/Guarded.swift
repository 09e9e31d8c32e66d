internal import Synchronization

/// A value behind a lock, shareable where `Mutex` itself cannot be.
package final class Guarded<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    package init(_ value: Value) { self.mutex = Mutex(value) }

    package func with<Result: Sendable>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        try self.mutex.withLock { value in try body(&value) }
    }
}
