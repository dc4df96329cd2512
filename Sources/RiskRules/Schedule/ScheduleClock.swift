/// Which schedules of the rule set are in force now: each asked again only when its last answer has run out.
final class ScheduleClock {
    private var answers: UnsafeMutablePointer<RuleSchedule.Answer> = .allocate(capacity: 1)
    private var schedules: [RuleSchedule] = []

    deinit { answers.deallocate() }

    /// Goes over to the schedules of a rule set.
    func install(_ schedules: [RuleSchedule]) {
        answers.deallocate()
        answers = .allocate(capacity: Swift.max(schedules.count, 1))
        answers.initialize(
            repeating: RuleSchedule.Answer(isActive: true, since: .max, until: .max), count: schedules.count)
        self.schedules = schedules
    }

    /// Whether the rules of a schedule are in force.
    /// - Parameter wall: unix nanoseconds.
    func isActive(_ schedule: Int32, at wall: Int64) -> Bool {
        let answer = answers + Int(schedule)
        if !answer.pointee.holds(at: wall) { answer.pointee = schedules[Int(schedule)].answer(at: wall) }
        return answer.pointee.isActive
    }
}
