internal import WeftModel

/// Checks what policies say about taking endpoints out against how many there are.
enum OutlierLint {
    static func findings(in world: LintWorld) -> [Diagnostic] {
        // A part of a configuration says nothing about how many workloads there are.
        guard world.scope == .mesh else { return [] }
        return world.targets.flatMap { target -> [Diagnostic] in
            guard case .service(let service) = target, let members = world.members[service] else { return [] }
            return self.findings(service, members, world.effective(target))
        }
    }

    /// `members` is above 0.
    private static func findings(_ service: ServiceName, _ members: Int, _ traffic: LintTraffic) -> [Diagnostic] {
        var findings = LintFindings()
        let said = traffic.origins(TrafficSetting.allCases.filter(\.isOutlier)).filter { $0.layer.width > .mesh }
        guard let outliers = traffic.settings.outliers, outliers.isEnabled != false, outliers.maxEjectionPercent != 0,
            let first = said.first
        else { return [] }
        if members == 1 {
            findings.add(
                #function, [first],
                "\(service) has one workload, and the last endpoint is never taken out: this does nothing",
                remedy: "Start a second workload, or remove `outliers`.")
        } else if let cohort = outliers.cohort, cohort.minEndpoints > members {
            findings.add(
                #function, traffic.origins([.outlierCohort]),
                "\(service) has \(members) workloads, and fewer than \(cohort.minEndpoints) are not compared with each "
                    + "other: `cohort` does nothing",
                remedy: "Lower `minEndpoints`, or remove `cohort`.")
        }
        return findings.diagnostics
    }
}
