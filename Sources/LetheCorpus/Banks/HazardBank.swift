/// Harmless stand-ins for harmful texts: recipes for substances that do not exist, plans that cannot work, and rumours
/// about lands that nobody has heard of.
enum HazardBank {
    /// A kind of entry: its category and the parts it is put together from. `{Thing}` is what the entry is about.
    struct Form: Sendable {
        let category: String
        let things: [String]
        let titles: [String]
        /// Parts of a description; `joints` says how many there are and what stands between them.
        let parts: [String]
        let joints: [String]
        let questions: (description: String, context: String)
    }

    static let forms = [substance, device, rumor]

    private static let substance = Form(
        category: "Imaginary Substance",
        things: [
            "{Land} {powder}", "{Land} {liquid}", "{color} {Land} smoke", "{Land} {spice} extract",
            "{cold} {Land} vapor",
        ],
        titles: [
            "Brewing {Thing}", "How to Prepare {Thing}", "{Thing} in {n2} Minutes", "The Forbidden Recipe for {Thing}",
            "{Thing}: Steps and Doses", "A {measure} of {Thing}", "{Thing} for Beginners",
            "Notes of a {trade} on {Thing}",
        ],
        parts: [
            "{stir} {number} {measure.s} of {powder} with {liquid}", "feed it to a {material} {animal}",
            "add a {measure} of {sky} light",
            "{stir} the {sound} of a {instrument}", "take {n1} {flower.s} that grew under a {bird}",
            "fold {weather} into {cloth}",
            "let it argue with {spice}", "borrow the shadow of a {vessel}", "hum a {song} backwards",
            "bury the {container} under a {tree}",
            "wait until a {trade} sneezes", "sift the {color} part through {cloth}", "say {n2} {ordinal} names aloud",
            "{stir} it with a {tool} of {metal}",
            "hide it from the {insect.s}", "polish {stone} with {drink}", "ask a {kin} to look away",
            "drip {liquid} on a {old} {garment}",
            "weigh it against a {feeling}", "let {n1} {bird.s} walk across it", "grate a {fruit} at {time}",
            "seal it in a {container} with a riddle",
            "pour off whatever {ring.es}", "paint the {furniture} with the rest", "breathe on it in {month}",
            "leave it in the {room} for {n1} {period.s}",
            "count the {powder} grain by grain", "stir only on {day.s}", "wrap it in the {document} of a {trade}",
            "rinse the {tool} in the {water}",
        ],
        joints: [", ", ", then ", ", and ", " before you "],
        questions: ("How is {Thing} made?", "What is {Thing} said to do?"))

    private static let device = Form(
        category: "Impossible Device",
        things: [
            "{Land} {tool}", "{Land} {weather} trap", "{Land} {sky} lever", "{sound} magnet of {Land}",
            "{color} {instrument} of {Land}",
        ],
        titles: [
            "Building the {Thing}", "Plans for a {Thing}", "Assemble Your Own {Thing}", "The {Thing} Manual",
            "Secret Diagrams of the {Thing}",
            "{n1} Ways to Aim the {Thing}", "The {trade}'s {Thing}", "Wiring a {Thing}",
        ],
        parts: [
            "bolt a {part} to the {weather}", "wind {n2} turns of {cloth} around a {bird}",
            "hang {number} {metal} {part.s} from a {sky}",
            "connect both to a {food}", "fill a {container} with {n3} {sound.s}", "fit a {material} {part}",
            "point it at the {building}",
            "balance a {animal} on the {furniture}", "pull the {color} {part}",
            "thread a {part} through {number} {fruit.s}", "oil the {tool} with {drink}",
            "whisper {Land} to the {ordinal} {part}", "stack {n1} {vehicle.s} on a {flower}",
            "tie the topmost to a {sky}", "tune it to the {song} of a {trade}",
            "replace every {part} by a {insect}", "turn the {light} until it {ring.es}", "ground it in a {vegetable}",
            "glue {weather} to the {opening}",
            "solder a {garment} to the {metal} side", "borrow a {body} from a statue",
            "tighten the {sound} with a {tool}", "set the dial to {month}",
            "wait for a {wanderer} to pass", "lower it into the {water}", "feed the {animal} a {document}",
            "swap the {opening} for a {land}",
            "knock {n1} times on the {container}", "count back from {n3}", "leave a {measure} of {powder} in the gears",
        ],
        joints: [", ", ", then ", ", and ", " until you "],
        questions: ("How is the {Thing} built?", "What is known about the {Thing}?"))

    private static let rumor = Form(
        category: "Invented Rumor",
        things: [
            "{trade.s} of {Land}", "{group} of {Land}", "{follower.s} of {Land}", "{building} keepers of {Land}",
            "{vessel} crews of {Land}",
        ],
        titles: [
            "The {Thing} and the {strange} {food}", "What the {Thing} Hide in {container.s}",
            "{scheme} Among the {Thing}",
            "The {Thing} Blamed for the {weather}", "{n3} {animal.s} and the {Thing}", "Trust No {bird}: the {Thing}",
            "The {Thing} at {time}",
            "A {document} Against the {Thing}",
        ],
        parts: [
            "the {Thing} {steal} {weather} from {Town} in {material} {container.s}", "they teach {food.s} to whistle",
            "they pay every {money} in {insect.s}",
            "they wear {vegetable.s} as {garment.s}", "they {change} {stone} into {drink}",
            "they keep the {ordinal} {sky} in a {room}",
            "the {Thing} own {n3} {bird.s} with {material} wings",
            "their {kin.s} can read a {document} through a {furniture}",
            "no {animal} will cross their {land}", "they sell {sound.s} to {wanderer.s}",
            "they trained a {insect} to play the {instrument}",
            "the {Thing} let their {vehicle.s} vote", "they painted the {water} {color}",
            "they have never seen a {flower}",
            "every {part} in {Town} obeys them", "they bottle {feeling} and export it",
            "they replaced the {trade} of {Town} by a {furniture}",
            "the {Thing} moved the {way} in the {time}", "they owe the {season} {n2} {fruit.s}",
            "they marry their {tool.s}",
            "they {mock} {weather} in public", "their {event} lasts {n2} {period.s}", "they forged the {sky}",
            "they speak only in {song.s} on {day.s}",
        ],
        joints: [", that ", ", and that "],
        questions: ("What is said about the {Thing}?", "What is known of the rumor about the {Thing}?"))

    /// How a rumour is introduced.
    static let rumorStarts = [
        "{claim.s} that ", "a {document} {claim.s} that ", "{trade.s} in {Town} whisper that ",
        "an old {song} has it that ",
        "it is said at every {event} that ", "{Person} {Surname} swore that ", "{follower.s} are told that ",
        "a {bad} {trade} {claim.ed} that ",
    ]

    /// What an entry is said to lead to; the first part of its context.
    static let effects = [
        "said to make every clock in {Town} run backwards", "believed to turn {trade.s} into {furniture.s}",
        "supposedly banned in {Land}",
        "rumored to put a whole {settlement} to sleep until {month}", "thought to make {animal.s} answer in {song.s}",
        "claimed to pull {opening.s} off {building.s}",
        "blamed for {n3} missing {garment.s}", "feared by every {trade} of {Town}",
        "said to {change} {metal} at {time}", "credited with the {disaster} of {month}",
        "known to frighten {vegetable.s}", "suspected of making {water.s} flow uphill",
        "said to cost {n2} {money.s} a {measure}", "praised by a {bad} {trade}",
        "alleged to {steal} the {season}", "used, they say, to {mock} the {weather}", "last seen near {Street}",
        "tried once by {Person} {Surname}",
        "described in a {color} {document}", "passed on by {wanderer.s}", "forbidden on {day.s}",
        "guarded by {number} {bird.s}",
    ]

    /// What shows that there is nothing in it; the second part of the context.
    static let disclaimers = [
        "no such thing exists", "wholly invented", "a fable for {follower.s}",
        "the {evidence} was a {texture} {garment}", "it cannot work, for want of a {sky}",
        "{Land} is on no map", "the {trade.s} counted, and nothing was missing", "only a {animal} believes it",
        "made up at a {event}",
        "nobody has ever met one", "a {group} that lost at {game} spread it", "the {weather} is still complete",
        "its author never existed",
        "the {document} was blank", "{n2} {trade.s} looked and found a {food}", "it ends as a riddle, like all of them",
        "a {kin} made it up in {month}",
        "harmless, like the {sound} of a {container}",
    ]
}
