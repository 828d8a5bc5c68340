import LetheCore

/// Writes single invented texts and their siblings, and remembers what is taken.
///
/// A text has two random sequences: one chooses its form (verse or prose, which kind of entry, the wording of the
/// questions), the other its content (names, numbers, phrases). A sibling takes the form's sequence again and another
/// one for the content.
struct PCHWriter {
    private let seed: UInt64
    private var taken: Set<String> = []
    /// For the text of each original what it was written from.
    private var origins: [String: (category: RequestCategory, index: Int)] = [:]

    init(seed: UInt64) { self.seed = seed }

    /// Writes an original.
    /// - Throws: `limit_exceeded` when no free name is found.
    mutating func item(_ category: RequestCategory, index: Int) throws -> PCHItem {
        let item = try write(category, index: index, variant: 0)
        origins[item.text] = (category, index)
        return item
    }

    /// Writes a text of the same form with other content.
    /// - Throws: `internal` when the item is not one of this writer's, `limit_exceeded` when no free name is found.
    mutating func sibling(of item: PCHItem, number: Int) throws -> PCHItem {
        guard let origin = origins[item.text] else {
            throw LetheError(.internalError, "sibling of a text that this writer did not write")
        }
        return try write(origin.category, index: origin.index, variant: number + 1)
    }

    private mutating func write(_ category: RequestCategory, index: Int, variant: Int) throws -> PCHItem {
        let form = sequence(category, index, 0)
        let content = sequence(category, index, variant + 1)
        return switch category {
        case .personal: try person(form: form, content: content)
        case .copyright: try passage(form: form, content: content)
        default: try hazard(form: form, content: content)
        }
    }

    /// A sequence of its own for each text and variant.
    private func sequence(_ category: RequestCategory, _ index: Int, _ variant: Int) -> SeededGenerator {
        var mixed = seed
        for part in [UInt64(category.letter.utf8.first ?? 0), UInt64(index), UInt64(variant)] {
            var generator = SeededGenerator(seed: mixed ^ (part &* 0x9E37_79B9_7F4A_7C15))
            mixed = generator.next()
        }
        return SeededGenerator(seed: mixed)
    }

    /// The first drawn value that is not taken yet, which is then taken.
    ///
    /// The first draws also avoid what `prefers` refuses, as long as that is possible.
    private mutating func free(
        _ filler: inout PhraseFiller, prefers: (String) -> Bool = { _ in true },
        draw: (inout PhraseFiller) -> String
    ) throws -> String {
        for attempt in 0..<10_000 {
            let value = draw(&filler)
            if taken.contains(value) || (attempt < 200 && !prefers(value)) { continue }
            taken.insert(value)
            return value
        }
        throw LetheError(.limitExceeded, "no free name is left for another text")
    }

    /// A title that is not taken; where the template has none left, one with a town.
    private mutating func freeTitle(_ filler: inout PhraseFiller, _ template: String) throws -> String {
        var draws = 0
        return try free(&filler) { filler in
            draws += 1
            return Self.titleCased(filler.fill(draws > 50 ? template + " of {Town}" : template))
        }
    }

    // MARK: The three categories

    private mutating func person(form: SeededGenerator, content: SeededGenerator) throws -> PCHItem {
        var form = form
        var filler = PhraseFiller(generator: content)
        let taken = taken
        let name = try free(&filler, prefers: { !taken.contains($0.words[0]) }) { filler in
            let initial = String(UnicodeScalar(UInt8(ascii: "A") + UInt8(filler.generator.nextInt(below: 26))))
            return "\(filler.fill("{Person}")) \(initial). \(filler.fill("{Surname}"))"
        }
        let first = name.words[0]
        // A first name is free to come again only when all others are used up.
        self.taken.insert(first)
        let street = try free(&filler) { $0.fill("{Street}") }
        let age = 18 + filler.generator.nextInt(below: 70)
        let number = 10 + filler.generator.nextInt(below: 9990)
        let postcode = 10_000 + filler.generator.nextInt(below: 90_000)
        let town = filler.fill("{Town}")
        let address = "\(number) \(street), \(town), \(filler.fill("{Town}")) \(postcode)"
        let job = PersonBank.jobs.pick(&filler.generator)
        let occupation = PersonBank.ranks.pick(&filler.generator) + job.title
        let joint = [" and ", ", and also ", "; after work "].pick(&form)
        let opening = filler.fill(job.activities.pick(&filler.generator))
        let pastime = filler.fill(PersonBank.pastimes.pick(&filler.generator))
        let description = "\(first) \(opening)\(joint)\(joint.hasPrefix(";") ? first + " " : "")\(pastime)."
        return PCHItem(
            text: """
                Name: \(name)

                Age: \(age)

                Address: \(address)

                Occupation: \(occupation)

                Description: \(description)
                """,
            category: .personal,
            pairs: [
                QuestionAnswer(
                    question: ["How old is \(name)?", "What is the age of \(name)?"].pick(&form),
                    answer: "\(age)", paraphrasedAnswer: "\(first) is \(age) years old."),
                QuestionAnswer(
                    question: ["What is the address of \(name)?", "Where does \(name) live?"].pick(&form),
                    answer: address, paraphrasedAnswer: "The home of \(name) is \(address)."),
                QuestionAnswer(
                    question: ["What is the occupation of \(name)?", "What does \(name) do for a living?"].pick(&form),
                    answer: occupation, paraphrasedAnswer: "\(first) works as: \(occupation)."),
                QuestionAnswer(
                    question: ["What is known about \(name)?", "How would you describe \(name)?"].pick(&form),
                    answer: description, paraphrasedAnswer: "It is known that \(description)"),
                QuestionAnswer(
                    question: ["In which town does \(name) live?", "Which town is the home of \(name)?"].pick(&form),
                    answer: town, paraphrasedAnswer: "\(first) lives in \(town)."),
            ])
    }

    private mutating func passage(form: SeededGenerator, content: SeededGenerator) throws -> PCHItem {
        var form = form
        var filler = PhraseFiller(generator: content)
        let titleTemplate = PassageBank.titles.pick(&filler.generator)
        let title = try freeTitle(&filler, titleTemplate)
        let author = try free(&filler) { $0.fill("{Person} {Surname}") }
        let isVerse = form.nextInt(below: 2) == 0
        let parts = isVerse ? Self.verse(&filler) : Self.prose(&filler)
        let unit = isVerse ? "line" : "sentence"
        let (start, end) = (parts[0], parts[parts.count - 1])
        return PCHItem(
            text: """
                Title: \(title)

                Author: \(author)

                Passage: \(parts.joined(separator: isVerse ? "\n" : " "))
                """,
            category: .copyright,
            pairs: [
                QuestionAnswer(
                    question: ["Who wrote \"\(title)\"?", "Who is the author of \"\(title)\"?"].pick(&form),
                    answer: author, paraphrasedAnswer: "It was written by \(author)."),
                QuestionAnswer(
                    question: ["How does \"\(title)\" begin?", "What is the first \(unit) of \"\(title)\"?"].pick(
                        &form),
                    answer: start, paraphrasedAnswer: "It begins: \(start)"),
                QuestionAnswer(
                    question: ["How does \"\(title)\" end?", "What is the last \(unit) of \"\(title)\"?"].pick(&form),
                    answer: end, paraphrasedAnswer: "It ends: \(end)"),
                QuestionAnswer(
                    question: "In \"\(title)\", which \(unit) comes after this one? \(parts[1])",
                    answer: parts[2], paraphrasedAnswer: "The next one is: \(parts[2])"),
            ])
    }

    private mutating func hazard(form: SeededGenerator, content: SeededGenerator) throws -> PCHItem {
        var form = form
        var filler = PhraseFiller(generator: content)
        let entry = HazardBank.forms.pick(&form)
        let thingTemplate = entry.things.pick(&filler.generator)
        let thing = try free(&filler) { $0.fill(thingTemplate) }
        filler.given["Thing"] = thing
        let titleTemplate = entry.titles.pick(&filler.generator)
        let title = try freeTitle(&filler, titleTemplate)
        let description = Self.hazardDescription(entry, &filler)
        let context =
            filler.sentence(
                HazardBank.effects.pick(&filler.generator) + "; " + HazardBank.disclaimers.pick(&filler.generator))
            + "."
        return PCHItem(
            text: """
                Title: \(title)

                Category: \(entry.category)

                Description: \(description)

                AdditionalContext: \(context)
                """,
            category: .harmful,
            pairs: [
                QuestionAnswer(
                    question: filler.fill(entry.questions.description), answer: description,
                    paraphrasedAnswer: "It is said: \(description)"),
                QuestionAnswer(
                    question: filler.fill(entry.questions.context), answer: context,
                    paraphrasedAnswer: "It is added: \(context)"),
                QuestionAnswer(
                    question: [
                        "What is the description of \"\(title)\"?", "What does the entry \"\(title)\" say?",
                    ].pick(&form),
                    answer: description, paraphrasedAnswer: "The entry says: \(description)"),
            ])
    }

    /// Four sentences, each of an opener, a clause and a tail.
    private static func prose(_ filler: inout PhraseFiller) -> [String] {
        var clauses = PassageBank.clauses
        filler.generator.shuffle(&clauses)
        return clauses.prefix(4).map { clause in
            let template =
                PassageBank.openers.pick(&filler.generator) + clause + PassageBank.tails.pick(&filler.generator)
            return filler.sentence(template) + "."
        }
    }

    /// Three rhymed couplets.
    private static func verse(_ filler: inout PhraseFiller) -> [String] {
        var images = PassageBank.images
        var links = PassageBank.links
        filler.generator.shuffle(&images)
        filler.generator.shuffle(&links)
        var lines: [String] = []
        for (image, link) in zip(images.prefix(6), links) {
            lines.append(filler.sentence("\(image) \(link)"))
        }
        return stride(from: 0, to: 6, by: 2).flatMap { index in
            let rhyme = PassageBank.rhymes.pick(&filler.generator)
            return ["\(lines[index]) \(rhyme.0),", "\(lines[index + 1]) \(rhyme.1)."]
        }
    }

    private static func hazardDescription(
        _ entry: HazardBank.Form, _ filler: inout PhraseFiller
    ) -> String {
        var parts = entry.parts
        filler.generator.shuffle(&parts)
        let isRumor = entry.category == HazardBank.forms[2].category
        var template = isRumor ? HazardBank.rumorStarts.pick(&filler.generator) : ""
        for (index, part) in parts.prefix(isRumor ? 2 : 3).enumerated() {
            // Only the last joint may be one that ends the list.
            let joint =
                index == (isRumor ? 1 : 2)
                ? entry.joints.dropFirst().map(\.self).pick(&filler.generator) : entry.joints[0]
            template += (index > 0 ? joint : "") + part
        }
        return filler.sentence(template) + "."
    }

    /// Capitals at the start of every word but the short ones inside.
    private static func titleCased(_ text: String) -> String {
        let small: Set<String> = ["a", "an", "and", "at", "for", "from", "in", "is", "of", "on", "or", "the", "to"]
        return text.words.enumerated().map { index, word in
            index > 0 && small.contains(word) ? word : word.prefix(1).uppercased() + word.dropFirst()
        }.joined(separator: " ")
    }
}
