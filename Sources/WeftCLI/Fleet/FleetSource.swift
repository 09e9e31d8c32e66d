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
    /// `-` is standard input; of a directory, its `.yaml`, `.yml` and `.json` files in the order of their names.
    package static func read(_ path: String) throws -> [APIDocument] {
        if path == "-" {
            let data = FileHandle.standardInput.readDataToEndOfFile()
            return [APIDocument(file: "-", text: String(decoding: data, as: UTF8.self))]
        }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure("there is no such file", at: path, remedy: "Check the path.", exit: .usage)
        }
        guard isDirectory.boolValue else { return [try self.file(path)] }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            .filter { [".yaml", ".yml", ".json"].contains(where: $0.hasSuffix) }
        guard !names.isEmpty else {
            throw CommandFailure("no .yaml, .yml or .json file is in there", at: path, exit: .usage)
        }
        return try names.map { try self.file("\(path)/\($0)") }
    }

    private static func file(_ path: String) throws -> APIDocument {
        do {
            return APIDocument(file: path, text: try String(contentsOfFile: path, encoding: .utf8))
        } catch let error {
            throw CommandFailure("cannot be read", at: path, because: error.localizedDescription)
        }
    }
}
