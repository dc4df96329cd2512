// `active` and `rollout`: when a rule is in force, and for which part of the accounts.
extension RuleCompilation {
    /// The index of the schedule that `active` says; -1, and a problem, where it says none.
    mutating func schedule(_ active: RuleDocument.Active) -> Int32 {
        let before = problems.count
        let days = self.days(active.days ?? [])
        let hours = self.hours(active)
        let zone = self.zone(active)
        guard problems.count == before, let hours, let zone else { return -1 }
        let window = ActiveWindow(days: days, from: hours.from, to: hours.to, zone: zone)
        if window.isAlways {
            report("active names every hour of the week: leave it out, or name days or hours", at: active.location)
        }
        if let index = scheduleIndices[window] { return index }
        let index = Int32(schedules.count)
        schedules.append(RuleSchedule(window, by: calendar))
        scheduleIndices[window] = index
        return index
    }

    private mutating func days(_ list: [Text]) -> UInt8 {
        var days: UInt8 = 0
        for text in list {
            guard let day = ActiveWindow.dayNames.firstIndex(of: text.value.lowercased()) else {
                report(
                    "unknown day \"\(text.value)\": \(Suggestion.text(for: text.value, among: ActiveWindow.dayNames))",
                    at: text.location)
                continue
            }
            days |= 1 << UInt8(day)
        }
        return list.isEmpty ? ActiveWindow.allDays : days
    }

    /// Both in seconds after midnight of the day on which a window starts.
    private mutating func hours(_ active: RuleDocument.Active) -> (from: Int64, to: Int64)? {
        switch (active.from, active.to) {
        case (nil, nil):
            return (0, ActiveWindow.day)
        case (let from?, nil):
            report(
                "active has from and no to: write until when, as in to: \"24:00\", or leave both out for whole days",
                at: from.location)
        case (nil, let to?):
            report(
                "active has to and no from: write from when, as in from: \"00:00\", or leave both out for whole days",
                at: to.location)
        case (let fromText?, let toText?):
            let from = timeOfDay(fromText, "from", latest: ActiveWindow.day - 60)
            let to = timeOfDay(toText, "to", latest: ActiveWindow.day)
            guard let from, let to else { return nil }
            guard from != to else {
                report(
                    "active begins and ends at \(fromText.value), so it never is: write another time, "
                        + "or leave both out for whole days", at: toText.location)
                return nil
            }
            return (from, to > from ? to : to + ActiveWindow.day)
        }
        return nil
    }

    /// `HH:MM` as seconds after midnight.
    private mutating func timeOfDay(_ text: Text, _ key: String, latest: Int64) -> Int64? {
        let bytes = Array(text.value.utf8)
        let digits = bytes.enumerated().filter { $0.offset != 2 }.map { Int64($0.element) - 0x30 }
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), digits.allSatisfy({ (0...9).contains($0) }) else {
            report(
                "\(key) \"\(text.value)\" is not a time of day: write hours and minutes, as in \"06:30\"",
                at: text.location)
            return nil
        }
        let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        let time = hour * 3600 + minute * 60
        guard minute < 60, time <= latest else {
            let end = latest == ActiveWindow.day ? "24:00" : "23:59"
            report("\(key) \"\(text.value)\" is no time of day: write one from 00:00 to \(end)", at: text.location)
            return nil
        }
        return time
    }

    private mutating func zone(_ active: RuleDocument.Active) -> String? {
        guard let text = active.timezone else {
            report(
                "active has no timezone: write whose clocks count, as in timezone: Europe/London or UTC",
                at: active.location)
            return nil
        }
        let now = calendar.now / 1_000_000_000
        if calendar.clock(text.value, now, now) != nil { return text.value }
        let near = Suggestion.nearest(to: text.value, among: calendar.zones()).first
        let advice = near.map { "did you mean \"\($0)\"?" } ?? "write its IANA name, as in Europe/London, or UTC"
        report("unknown time zone \"\(text.value)\": \(advice)", at: text.location)
        return nil
    }

    /// - Parameter accounts: the accounts that the rule names; empty: all.
    mutating func rollout(_ text: Text, id: String, accounts: [String]) -> Rollout {
        guard let percent = UInt8(text.value), (1...100).contains(percent), text.value.first != "+" else {
            report(
                "rollout \"\(text.value)\" is not a percentage of accounts: write a whole number from 1 to 100",
                at: text.location)
            return .everyone
        }
        let rollout = Rollout(percent: percent, id: id)
        if !accounts.isEmpty, accounts.allSatisfy(Glob.isLiteral),
            !accounts.contains(where: { rollout.includes($0.utf8) })
        {
            report(
                "this rule can never apply: none of the accounts that it names is among the \(percent) % of its rollout; "
                    + "write a higher percentage, or leave rollout out", at: text.location)
        }
        return rollout
    }
}
