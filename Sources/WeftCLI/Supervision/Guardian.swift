internal import Foundation

/// Ends an application whose sidecar was killed: without it the application would go on, unreachable and unguarded.
///
/// A shell waits on a pipe that only this process holds open. A word through the pipe sends it away; the pipe's end
/// without a word means that this process died. The system's own signal for a dead parent follows the thread that started
/// the child, and threads come and go here. Where there is no shell, nobody guards.
final class Guardian: Sendable {
    private let pipe = Pipe()
    private static let shell = "/bin/sh"

    /// Guards the process `pid` from now on.
    init?(of pid: Int32) {
        guard FileManager.default.isExecutableFile(atPath: Self.shell) else { return nil }
        let writing = self.pipe.fileHandleForWriting.fileDescriptor
        _ = fcntl(writing, F_SETFD, fcntl(writing, F_GETFD) | FD_CLOEXEC)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.shell)
        process.arguments = [
            "-c",
            """
            trap '' INT TERM HUP QUIT
            read -r word && exit 0
            kill -TERM "$1" 2>/dev/null || exit 0
            i=0
            while [ $i -lt 10 ] && kill -0 "$1" 2>/dev/null; do sleep 1; i=$((i + 1)); done
            kill -KILL "$1" 2>/dev/null
            """, "weft-guardian", "\(pid)",
        ]
        process.standardInput = self.pipe
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        try? self.pipe.fileHandleForReading.close()
    }

    /// The application has ended by itself.
    func dismiss() {
        try? self.pipe.fileHandleForWriting.write(contentsOf: Data("done\n".utf8))
        try? self.pipe.fileHandleForWriting.close()
    }
}
