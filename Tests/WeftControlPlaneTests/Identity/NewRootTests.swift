import Foundation
import Logging
import Testing
import WeftIdentity
import WeftModel

@testable import WeftControlPlane

/// A control plane whose root's key is elsewhere goes to a root that was made elsewhere too.
@Suite struct NewRootTests {
    /// What an owner of roots has: PEM texts of a root, of an intermediate under it, and of their keys.
    struct Elsewhere {
        let root: String
        let rootKey: String
        let intermediate: String
        let intermediateKey: String
        let fingerprint: String

        init() throws {
            let path = NSTemporaryDirectory() + "weft-elsewhere-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: path) }
            var random = SystemRandomNumberGenerator()
            let made = try CertificateAuthority(trustDomain: .standard, now: Date(), random: &random)
            let files = try PrivateDirectory(path: path)
            try made.save(to: files)
            let bytes = try #require(try files.read(CertificateAuthority.fileName))
            let blocks = try PEM.decode(String(decoding: bytes, as: UTF8.self)).map {
                PEM.encode([$0.der], label: $0.label)
            }
            try #require(blocks.count == 4)
            (self.root, self.rootKey, self.intermediate, self.intermediateKey) = (
                blocks[0], blocks[1], blocks[2], blocks[3]
            )
            self.fingerprint = try made.rootFingerprint
        }

        var newRoot: RotationRequest.NewRoot {
            RotationRequest.NewRoot(
                rootCertificate: self.root, intermediateCertificate: self.intermediate,
                intermediateKey: self.intermediateKey)
        }

        /// A piece of the intermediate's key that is nowhere but in it.
        var secret: String { String(self.intermediateKey.split(separator: "\n")[2]) }
    }

    /// Runs `body` with a data directory whose authority is of an offline root, its keys encrypted with a file's.
    private func withImported(
        _ body: (_ directory: String, _ keyFile: String, _ old: Elsewhere) async throws -> Void
    ) async throws {
        try await RunningControlPlane.withDirectory { directory in
            let keyFile = "\(directory)-key"
            defer { try? FileManager.default.removeItem(atPath: keyFile) }
            try Data(String(repeating: "ab", count: 32).utf8).write(to: URL(fileURLWithPath: keyFile))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keyFile)
            let old = try Elsewhere()
            _ = try OfflineAuthority(dataDirectory: directory, keyFile: keyFile).importAuthority(
                .init(
                    rootCertificate: old.root, rootKey: nil, intermediateCertificate: old.intermediate,
                    intermediateKey: old.intermediateKey), trustDomain: nil, replacing: false, now: Date())
            try await body(directory, keyFile, old)
        }
    }

    @Test func `the API takes a new root, refuses wrong ones, and tells nobody its key`() async throws {
        try await self.withImported { directory, keyFile, old in
            let new = try Elsewhere()
            try await RunningControlPlane.with(directory: directory, configure: { $0.authorityKeyFile = keyFile }) {
                plane in
                func rotate(_ request: RotationRequest) async throws -> (status: Int, error: APIError?, text: String) {
                    let reply = try await plane.call("POST", "/v1/identity/rotation", body: request)
                    let text = String(decoding: reply.body, as: UTF8.self)
                    #expect(!text.contains("PRIVATE KEY") && !text.contains(new.secret))
                    return (reply.status, try? JSONDecoder().decode(APIError.self, from: reply.body), text)
                }
                let without = try await rotate(RotationRequest(action: .root))
                #expect(without.status == 409)
                #expect(without.error?.cause == "the root's key is not on this machine")
                #expect(without.error?.remedy?.contains("--root-cert") == true)
                let misplaced = try await rotate(RotationRequest(action: .abort, newRoot: new.newRoot))
                #expect(misplaced.status == 400 && misplaced.error?.location == "newRoot")
                var wrong = new.newRoot
                // Files taken for one another.
                (wrong.rootCertificate, wrong.intermediateKey) = (new.intermediateKey, new.root)
                let swapped = try await rotate(RotationRequest(action: .root, newRoot: wrong))
                #expect(swapped.status == 400)
                #expect(swapped.error?.location == "the root certificate")
                #expect(swapped.error?.cause == "the file holds 0 certificates instead of one")
                wrong = new.newRoot
                wrong.intermediateKey = old.intermediateKey
                let foreign = try await rotate(RotationRequest(action: .root, newRoot: wrong))
                #expect(foreign.status == 400 && foreign.error?.location == "the intermediate key")
                wrong.intermediateKey = nil
                let none = try await rotate(RotationRequest(action: .root, newRoot: wrong))
                #expect(none.status == 400)
                #expect(none.error?.remedy?.contains("intermediate request") == true)
                #expect(try await plane.get(IdentityReport.self, "/v1/identity").rotation == nil)

                let begun = try await rotate(RotationRequest(action: .root, newRoot: new.newRoot))
                #expect(begun.status == 200)
                let report = try await plane.get(IdentityReport.self, "/v1/identity")
                #expect(report.rotation?.phase == "publishing")
                #expect(report.roots.map(\.fingerprint) == [old.fingerprint, new.fingerprint])
                #expect(report.roots.map(\.state) == [.issuing, .published])
                #expect(report.isRootOffline && report.isEncrypted)
                #expect(report.remarks?.first?.contains("must join again") == true)
                // Who joins now trusts both.
                #expect(try await plane.join(try await plane.token("billing")).bundle.count == 2)
                let audit = String(
                    decoding: try await plane.call("GET", "/v1/audit?kind=authority").body, as: UTF8.self)
                #expect(audit.contains(new.fingerprint) && !audit.contains(new.secret))
                #expect(try await rotate(RotationRequest(action: .root, newRoot: new.newRoot)).status == 409)
            }
            // Nothing that is kept has the key as it was given.
            let files = try #require(FileManager.default.enumerator(atPath: directory)).compactMap { $0 as? String }
            #expect(files.contains { $0.hasSuffix(CertificateAuthority.fileName) })
            for file in files {
                guard let data = FileManager.default.contents(atPath: "\(directory)/\(file)") else { continue }
                let text = String(decoding: data, as: UTF8.self)
                #expect(!text.contains(new.secret) && !text.contains(old.secret), "\(file)")
            }
            try await RunningControlPlane.with(directory: directory, configure: { $0.authorityKeyFile = keyFile }) {
                plane in
                let report = try await plane.get(IdentityReport.self, "/v1/identity")
                #expect(report.rotation?.newRoot == new.fingerprint && report.roots.count == 2)
                let aborted = try await plane.call(
                    "POST", "/v1/identity/rotation", body: RotationRequest(action: .abort))
                #expect(aborted.status == 200)
            }
        }
    }

    @Test func `it goes through its phases over restarts, and takes the key that waits`() async throws {
        try await self.withImported { directory, keyFile, old in
            let new = try Elsewhere()
            let place = AuthorityLifeTests.Place(path: "\(directory)/authority")
            func open() async throws -> Authority { try await place.open { $0.authorityKeyFile = keyFile } }
            var authority = try await open()
            try authority.storage.write(AuthorityImport.pendingFileName, Array(new.intermediateKey.utf8))
            var given = new.newRoot
            given.intermediateKey = nil
            var now = Date()
            let nobody = FleetTrust(proxies: [], watchedSince: 0)
            try await authority.rotate(
                RotationRequest(action: .root, newRoot: given), fleet: nobody, actor: "local", now: now)
            #expect(try authority.storage.read(AuthorityImport.pendingFileName) == nil)
            for phase in ["issuing", "settling"] {
                authority = try await open()
                now += TimeInterval(RootRotation.observation)
                try await authority.stepRotation(fleet: nobody, now: now)
                #expect(try await authority.report(fleet: nobody, now: now).rotation?.phase == phase)
                #expect(try await authority.status.rootFingerprint == new.fingerprint)
            }
            #expect(authority.trust.current.trust.renewBefore != nil)
            authority = try await open()
            now += 86_400 + TimeInterval(RootRotation.skew) + TimeInterval(RootRotation.observation) + 2
            try await authority.stepRotation(fleet: nobody, now: now)
            authority = try await open()
            let report = try await authority.report(fleet: nobody, now: now)
            #expect(report.rotation?.phase == "finished")
            #expect(report.roots.map(\.fingerprint) == [new.fingerprint])
            #expect(report.isRootOffline && report.remarks == nil)
            #expect(place.audit.all.allSatisfy { !"\($0)".contains(new.secret) })
            #expect(place.audit.all.first { $0.details["newRoot"] == new.fingerprint } != nil)
        }
    }

    @Test func `what is said of a request never has the key`() throws {
        let new = try Elsewhere()
        let request = RotationRequest(action: .root, newRoot: new.newRoot)
        for text in ["\(request)", String(reflecting: request)] { #expect(!text.contains(new.secret), "\(text)") }
    }
}
