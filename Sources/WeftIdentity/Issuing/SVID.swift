package import FoundationEssentials
package import WeftModel

/// An issued X.509-SVID: certificates only, the key stays with the workload.
package struct SVID: Hashable, Sendable {
    package let identity: SPIFFEID
    /// DER: the leaf, then the intermediates, without the root.
    package let chain: [[UInt8]]
    /// DER of the trust domain's roots.
    package let bundle: [[UInt8]]
    package let notBefore: Date
    package let notAfter: Date
    /// The leaf's serial number, lower-case hex.
    package let serial: String

    package init(
        identity: SPIFFEID, chain: [[UInt8]], bundle: [[UInt8]], notBefore: Date, notAfter: Date, serial: String
    ) {
        self.identity = identity
        self.chain = chain
        self.bundle = bundle
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.serial = serial
    }
}
