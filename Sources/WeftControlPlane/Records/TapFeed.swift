internal import Foundation
internal import WeftModel

/// Writes a tap's lines, each a JSON object, for as long as somebody reads them.
struct TapFeed: Sendable {
    let lines: AsyncStream<TapLine>
    /// How long there is silence at most: a caller who has gone is only noticed by writing.
    var pulse = Duration.seconds(2)

    private enum Next: Sendable {
        case line(TapLine)
        case pulse
        case end
    }

    /// Returns when the tap has ended; throws what `write` throws, when the reader has gone.
    func run(_ write: ([UInt8]) async throws -> Void) async throws {
        let (events, sender) = AsyncStream.makeStream(of: Next.self, bufferingPolicy: .bufferingOldest(1000))
        let lines = self.lines
        let pulse = self.pulse
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await line in lines { sender.yield(.line(line)) }
                sender.yield(.end)
            }
            group.addTask {
                while (try? await Task.sleep(for: pulse)) != nil { sender.yield(.pulse) }
            }
            defer { group.cancelAll() }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // The first line says that the tap is open.
            try await write(Array("{}\n".utf8))
            for await event in events {
                switch event {
                case .line(let line): try await write(Array(try encoder.encode(line)) + [UInt8(ascii: "\n")])
                case .pulse: try await write(Array("{}\n".utf8))
                case .end: return
                }
            }
        }
    }
}
