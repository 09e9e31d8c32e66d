/// What the proxy beside a service's workloads makes of who called, and of paths, before the application sees them.
package struct ForwardingPolicy: Hashable, Sendable {
    /// Whether `X-Forwarded-*` and `Forwarded` of callers outside the mesh count. Default false: they are removed, since
    /// anybody could have written them. Callers inside proved who they are, and theirs always count.
    package var trustsCallers = false
    /// Whether the caller's address is left out of `X-Forwarded-For`, or of `Forwarded` where only that is used. Default
    /// false: it is added at the end.
    package var keepsAddresses = false
    /// Whether requests get a `Via` (RFC 9110 §7.6.3), and those that have gone through 32 proxies of the mesh are
    /// refused. Default false.
    package var namesItself = false
    /// Whether `%2F` and `%5C` may pass in paths. Default false: such requests are refused.
    package var keepsEscapedSlashes = false

    package init() {}
}

/// The knobs of a `ForwardingPolicy`; nil means not set here.
package struct ForwardingSettings: Hashable, Sendable {
    package var trustsCallers: Bool?
    package var keepsAddresses: Bool?
    package var namesItself: Bool?
    package var keepsEscapedSlashes: Bool?

    package init() {}

    package func merged(over wider: ForwardingSettings) -> ForwardingSettings {
        var merged = self
        merged.trustsCallers = self.trustsCallers ?? wider.trustsCallers
        merged.keepsAddresses = self.keepsAddresses ?? wider.keepsAddresses
        merged.namesItself = self.namesItself ?? wider.namesItself
        merged.keepsEscapedSlashes = self.keepsEscapedSlashes ?? wider.keepsEscapedSlashes
        return merged
    }

    /// Puts what is set here over `policy`, and tells what that is.
    package func apply(to policy: inout ForwardingPolicy, noting: (TrafficSetting) -> Void) {
        func set(_ path: WritableKeyPath<ForwardingPolicy, Bool>, _ value: Bool?, _ setting: TrafficSetting) {
            guard let value else { return }
            policy[keyPath: path] = value
            noting(setting)
        }
        set(\.trustsCallers, self.trustsCallers, .trustForwarded)
        set(\.keepsAddresses, self.keepsAddresses, .forwardedAddresses)
        set(\.namesItself, self.namesItself, .via)
        set(\.keepsEscapedSlashes, self.keepsEscapedSlashes, .escapedSlashes)
    }
}
