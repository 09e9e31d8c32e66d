// Made by scripts/generate-dashboard from Sources/WeftControlPlane/Dashboard/Assets. Do not edit.

/// The dashboard's files by name.
enum DashboardAssets {
    static let files: [String: String] = [
        "index.html": ##"""
            <!doctype html>

            """##,
    ]
}
