import Foundation
import Testing
import WeftModel
import WeftTelemetry

@Suite struct AccessLogTests {
    func line(_ record: RequestRecord) -> String {
        var lines = JSONLines()
        AccessLog.append(record, to: &lines)
        return String(decoding: lines.written, as: UTF8.self)
    }

    @Test func `a record is one line of JSON; what is empty is left out`() {
        var record = RequestRecord()
        record.startedAt = 1_709_210_096_007
        record.method = "GET"
        record.status = 200
        record.duration = .microseconds(12_345)
        #expect(
            self.line(record) == """
                {"time":"2024-02-29T12:34:56.007Z","direction":"outbound","method":"GET","status":200,"reason":"ok",\
                "duration_ms":12.345,"received_bytes":0,"sent_bytes":0}

                """)
    }

    @Test func `attempts, policy and what is left of the deadline are told`() throws {
        var record = RequestRecord()
        record.status = 504
        record.grpcStatus = 4
        record.reason = .deadlineExceeded
        record.deadlineLeft = .milliseconds(-3)
        record.responseAfter = .milliseconds(1)
        record.outgrewReplay = true
        record.policy = Provenance(
            resource: ResourceKey(kind: .httpRoute, namespace: "default", name: "canary"), revision: Revision(4))
        record.attempts = [
            .init(
                workload: "default/billing-1", address: "127.0.0.1:1", status: nil, reason: .connectFailed,
                startedAfter: .zero, duration: .microseconds(7)),
            .init(
                workload: "default/billing-2", address: "127.0.0.1:2", status: 504, reason: .ok,
                startedAfter: .milliseconds(2), duration: .seconds(1)),
        ]
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(self.line(record).utf8)) as? [String: any Sendable])
        #expect(json["grpc_status"] as? Int == 4)
        #expect(json["deadline_left_ms"] as? Double == -3)
        #expect(json["policy"] as? String == "HTTPRoute/default/canary@4")
        #expect(json["outgrew_replay"] as? Bool == true)
        let attempts = try #require(json["attempts"] as? [[String: any Sendable]])
        #expect(attempts.map { $0["reason"] as? String } == ["connect_failed", "ok"])
        #expect(attempts[0]["status"] == nil)
        #expect(attempts[1]["duration_ms"] as? Double == 1000)
    }

    @Test func `whatever a peer sends stays one JSON string on one line`() throws {
        var hostile = ""
        for scalar in 0..<0x300 { hostile.unicodeScalars.append(Unicode.Scalar(UInt32(scalar)) ?? "?") }
        hostile += "\u{2028}🧵\"}\n{"
        var record = RequestRecord()
        record.path = hostile
        let line = self.line(record)
        #expect(line.utf8.filter { $0 == 0x0a }.count == 1)
        let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: any Sendable]
        #expect(json?["path"] as? String == hostile)
    }

    @Test func `every byte in every field stays on one line, valid UTF-8 or not`() throws {
        var all = (UInt8.min...UInt8.max).map { [$0] }
        // Beginnings without their ends, surrogates, and more than Unicode has.
        all += [[0xe2, 0x80, 0xae], [0xe2, 0x81, 0xa6]]
        all += [[0xc3], [0xe2, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0xaf], [0xc2, 0x85]]
        for bytes in all + [all.flatMap(\.self)] {
            let text = "a" + String(decoding: bytes, as: UTF8.self) + "b"
            var record = RequestRecord()
            record.path = text
            record.method = text
            record.requestID = text
            record.headers = [.init(name: text, value: text), .init(name: "x", value: text)]
            let line = self.line(record)
            #expect(line.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0a } && line.utf8.filter { $0 == 0x0a }.count == 1)
            // What others count as the end of a line.
            #expect(!line.unicodeScalars.contains { [0x85, 0x2028, 0x2029, 0x202e, 0x2066].contains($0.value) })
            let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: any Sendable]
            #expect(json?["path"] as? String == text && json?["request_id"] as? String == text)
            #expect((json?["headers"] as? [String: String])?["x"] == text)
        }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"), (-5, "1970-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func `times are RFC 3339 in UTC`(milliseconds: Int64, text: String) {
        var record = RequestRecord()
        record.startedAt = milliseconds
        #expect(self.line(record).contains("\"time\":\"\(text)\""))
    }
}
