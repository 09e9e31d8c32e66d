package import FoundationEssentials
internal import Synchronization

/// What peers have proved themselves with, by the leaf: a TLS session that is resumed shows nothing anew, and its
/// library asks nobody about it, so that its certificates are judged again by what was shown the first time.
///
/// As old as the TLS context whose sessions these are; bounded, the oldest are forgotten.
package final class ProvedChains: Sendable {
    private struct State {
        var chains: [[UInt8]: [[UInt8]]] = [:]
        /// Leaves in the order in which they came; begins anew at `next` when full.
        var order: [[UInt8]] = []
        var next = 0
    }

    private static let limit = 1024
    private let state = Mutex(State())

    package init() {}

    /// Remembers a chain that has just been verified, DER, the leaf first.
    package func note(_ presented: [[UInt8]]) {
        guard let leaf = presented.first else { return }
        self.state.withLock { state in
            guard state.chains.updateValue(presented, forKey: leaf) == nil else { return }
            if state.order.count < Self.limit {
                state.order.append(leaf)
            } else {
                state.chains[state.order[state.next]] = nil
                state.order[state.next] = leaf
                state.next = (state.next + 1) % Self.limit
            }
        }
    }

    /// Judges the peer of a resumed session as of `now`. One whose chain is not known has shown nothing.
    package func verify(
        leaf: [UInt8]?, by verifier: SVIDVerifier, now: Date
    ) throws(SVIDError) -> SVIDVerifier.Peer {
        guard let leaf, let chain = self.state.withLock({ $0.chains[leaf] }) else { throw .noCertificate }
        return try verifier.verify(chain, now: now)
    }
}
