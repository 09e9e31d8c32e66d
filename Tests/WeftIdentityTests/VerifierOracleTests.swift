import Crypto
import Foundation
import SwiftASN1
import Testing
import WeftIdentity
import WeftModel
@_spi(FixedExpiryValidationTime) import X509

/// Our synchronous verifier against two others, on what all of them decide.
@Suite struct VerifierOracleTests {
    /// Lets the library's verifier take the critical extensions that `SVIDVerifier` evaluates itself.
    struct SVIDExtensions: VerifierPolicy {
        let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
            .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.extendedKeyUsage,
        ]

        func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult { .meetsPolicy }
    }

    struct World {
        var roots: [Forge.Signer]
        var shown: [Forge.Signer]
    }

    /// A chain with up to three intermediates, and faults strewn over it.
    static func world(_ random: inout SeededRandom) throws -> World {
        func faulty(_ spec: Forge.Spec, authority: Bool) throws -> Forge.Spec {
            var spec = spec
            switch Int.random(in: 0..<16, using: &random) {
            case 0: spec.notAfter = Forge.now.addingTimeInterval(-7200)
            case 1: spec.notBefore = Forge.now.addingTimeInterval(7200)
            case 2: spec.more.append(.init(oid: [1, 2, 3, 4], critical: true, value: [5, 0]))
            case 3 where authority: spec.constraints = .notCertificateAuthority
            case 4 where authority:
                spec.constraints = .isCertificateAuthority(maxPathLength: Int.random(in: 0...2, using: &random))
            case 5 where authority: spec.constraints = nil
            default: break
            }
            return spec
        }
        let root = try Forge.make(faulty(.authority("root"), authority: true))
        var issuers: [Forge.Signer] = []
        var tip = root
        for level in 0..<Int.random(in: 0...3, using: &random) {
            tip = try Forge.make(faulty(.authority("level \(level)"), authority: true), by: tip)
            issuers.append(tip)
        }
        let leaf = try Forge.make(faulty(Forge.Spec(), authority: false), by: tip)
        var roots = [root]
        switch Int.random(in: 0..<8, using: &random) {
        case 0: roots = [try Forge.make(.authority("root"))]
        case 1: roots.append(try Forge.make(.authority("root")))
        case 2: issuers = Array(issuers.dropLast())
        case 3: issuers.append(try Forge.make(.authority("level 0"), by: root))
        case 4: issuers.append(root)
        default: break
        }
        issuers.shuffle(using: &random)
        return World(roots: roots, shown: [leaf] + issuers)
    }

    @Test(arguments: 0..<200)
    func `the synchronous verifier agrees with the library's`(seed: Int) async throws {
        var random = SeededRandom(UInt64(seed))
        let world = try Self.world(&random)
        let presented = try world.shown.map { try $0.der }
        var ours = true
        do { _ = try Forge.verifier(world.roots).verify(presented, now: Forge.now) } catch { ours = false }

        var verifier = Verifier(rootCertificates: CertificateStore(world.roots.map(\.certificate))) {
            RFC5280Policy(fixedExpiryValidationTime: Forge.now)
            SVIDExtensions()
        }
        let theirs = await verifier.validate(
            leaf: world.shown[0].certificate,
            intermediates: CertificateStore(world.shown.dropFirst().map(\.certificate)))
        switch theirs {
        case .validCertificate: #expect(ours, "the library accepts what we refuse")
        case .couldNotValidate: #expect(!ours, "we accept what the library refuses")
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")), arguments: 0..<24)
    func `the synchronous verifier agrees with openssl`(seed: Int) throws {
        var random = SeededRandom(UInt64(seed) + 10_000)
        let world = try Self.world(&random)
        let presented = try world.shown.map { try $0.der }
        var ours = true
        do { _ = try Forge.verifier(world.roots).verify(presented, now: Forge.now) } catch { ours = false }

        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        try files.write("roots.pem", Array(PEM.encode(world.roots.map { try $0.der }).utf8))
        try files.write("leaf.pem", Array(PEM.encode([presented[0]]).utf8))
        try files.write("others.pem", Array(PEM.encode(Array(presented.dropFirst())).utf8))
        var arguments = [
            "verify", "-attime", "\(Int(Forge.now.timeIntervalSince1970))", "-CAfile", files.path(of: "roots.pem"),
        ]
        if presented.count > 1 { arguments += ["-untrusted", files.path(of: "others.pem")] }
        let theirs = try openssl(arguments + [files.path(of: "leaf.pem")]).status == 0
        #expect(ours == theirs)
    }
}

/// Runs openssl and returns what it said.
func openssl(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
}
