import ArgumentParser
import LetheCore
import LetheEvaluation

extension AttackSettings {
    /// Turns settings out of range into a usage error, before anything is loaded.
    func checkAsUsage() throws {
        do {
            try validate()
        } catch let error as LetheError {
            throw ValidationError(error.message)
        }
    }
}
