/// Where a sidecar's loops ask for what they do not know yet.
package protocol ConfigurationSource: Sendable {
    /// Asks for an outbound listener by its canonical name; the answer is a snapshot that has it or names it absent.
    /// Called from any event loop, again whenever requests wait for a name after none did; must not block. A name that
    /// was given may be taken away again, and is then asked for anew.
    func want(listener name: String)
}

/// A source that knows nothing more than it has given: every name it did not give stays unknown.
package struct NoConfigurationSource: ConfigurationSource {
    package init() {}
    package func want(listener name: String) {}
}
