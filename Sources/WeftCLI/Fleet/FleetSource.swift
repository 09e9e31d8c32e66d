internal import Foundation
package import WeftModel

/// A fleet file as found on disk: the fleet, and the documents to apply with it.
package struct FleetSource: Sendable {
    package var fleet: Fleet
    /// The resource documents of the file itself, then those of the files it names.
    package var documents: [APIDocument]

    /// Reads the file and what it names; every mistake of the file is told at once.
    package static func load(_ paths: FleetPaths, shownAs name: String) throws -> FleetSource {
        let text: String
        do {
            text = try String(contentsOfFile: paths.file, encoding: .utf8)
        } catch let error {
            throw CommandFailure(
                "the fleet file cannot be read", at: name, because: error.localizedDescription,
                remedy: "Give the path of a fleet file; Examples/learning-platform/fleet.yaml is one.")
        }
        let reading = FleetReader.read(text, file: name)
        guard let fleet = reading.fleet else {
            throw CommandFailure(
                "the fleet file is wrong in \(reading.diagnostics.count) place\(reading.diagnostics.count == 1 ? "" : "s")",
                at: name, remedy: "docs/fleet.md describes every field.",
                details: reading.diagnostics.map(\.description))
        }
        var documents: [APIDocument] = []
        if let resources = reading.resources { documents.append(APIDocument(file: name, text: resources)) }
        for entry in fleet.resources {
            documents += try DocumentFiles.read(entry.hasPrefix("/") ? entry : "\(paths.directory)/\(entry)")
        }
        return FleetSource(fleet: fleet, documents: documents)
    }
}

/// Resource documents from files, directories and standard input.
package enum DocumentFiles {
    /// The most one file may hold, bytes. The control plane takes no more in one request.
    private static let maxBytes = 8 << 20

    /// `-` is standard input; of a directory, its `.yaml`, `.yml` and `.json` files in the order of their names.
    package static func read(_ path: String) throws -> [APIDocument] {
        if path == "-" { return [try self.file("/dev/stdin", named: "-")] }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure("there is no such file", at: path, remedy: "Check the path.", exit: .usage)
        }
        guard isDirectory.boolValue else { return [try self.file(path, named: path)] }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                .filter { [".yaml", ".yml", ".json"].contains(where: $0.hasSuffix) }
        } catch {
            throw CommandFailure("the directory may not be read", at: path, remedy: "Check who owns it.", exit: .usage)
        }
        guard !names.isEmpty else {
            throw CommandFailure("no .yaml, .yml or .json file is in there", at: path, exit: .usage)
        }
        return try names.map { try self.file("\(path)/\($0)", named: "\(path)/\($0)") }
    }

    /// Reads pipes as well as files, and never more than `maxBytes`.
    private static func file(_ path: String, named name: String) throws -> APIDocument {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            let isDenied =
                FileManager.default.fileExists(atPath: path) && !FileManager.default.isReadableFile(atPath: path)
            throw CommandFailure(
                isDenied ? "the file may not be read" : "the file cannot be opened", at: name,
                remedy: isDenied ? "Check who owns it and its permissions." : "Check the path.", exit: .usage)
        }
        var data = Data()
        do {
            while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty {
                data.append(part)
                guard data.count <= Self.maxBytes else {
                    throw CommandFailure(
                        "the file is larger than \(Self.maxBytes >> 20) MB", at: name,
                        remedy: "Resources are small texts; check the path, or split the file.", exit: .usage)
                }
            }
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("the file cannot be read", at: name, because: error.localizedDescription, exit: .usage)
        }
        guard let text = String(bytes: data, encoding: .utf8), !text.utf8.contains(0) else {
            throw CommandFailure(
                "this is no text file", at: name, because: "it holds bytes that are not UTF-8 text",
                remedy: "Name a YAML or JSON file.", exit: .usage)
        }
        return APIDocument(file: name, text: text)
    }
}
