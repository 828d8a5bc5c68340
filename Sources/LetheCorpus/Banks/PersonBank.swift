/// What invented people do.
enum PersonBank {
    /// Occupations with what someone of it does, after the person's first name.
    static let jobs: [(title: String, activities: [String])] = [
        (
            "Baker",
            [
                "bakes {spice} {food.s} before {time} and supplies {n1} {local} cafes",
                "{teach.es} {follower.s} to knead {size} {food.s}",
            ]
        ),
        (
            "Clockmaker",
            [
                "{mend.es} {material} clocks from the {building} of {Town}",
                "builds {strange} clocks with {material} {part.s}",
            ]
        ),
        (
            "Bookbinder",
            [
                "{mend.es} {old} {document.s} for the {Town} {building}",
                "stitches {material} covers on {document.s} of {subject}",
            ]
        ),
        (
            "Ferry Pilot",
            [
                "steers the {color} {vessel} between {Town} and the {water}",
                "{look.es} the {weather} each {time} before crossing to {Town}",
            ]
        ),
        (
            "Nurse",
            [
                "{help.s} patients at the {Town} {building} on {day} {time.s}",
                "{keep.s} the {room} of a {local} clinic in order",
            ]
        ),
        (
            "Botanist",
            [
                "{look.es} {flower.s} and {tree.s} in the {land.s} of {Town}",
                "{grow.s} {color} {flower.s} for a {local} {group}",
            ]
        ),
        (
            "Chemistry Teacher",
            [
                "{teach.es} {number} classes of {follower.s} about {metal} and {liquid}",
                "{lead.s} a club that {look.es} {stone.s}",
            ]
        ),
        (
            "Accountant",
            ["{keep.s} the {document.s} of {n2} {trade.s}", "{look.es} every {money} of the {Town} {group}"]
        ),
        (
            "Bus Driver",
            [
                "drives the number {n2} bus from {Town} to the {building}",
                "{carry.s} {follower.s} home through {weather} and {weather}",
            ]
        ),
        (
            "Architect",
            [
                "{make.s} {building.s} with {material} {opening.s}",
                "{make.s} {size} {room.s} for the {trade.s} of {Town}",
            ]
        ),
        (
            "Carpenter",
            [
                "{make.s} {furniture.s} from {tree} for the {building.s} of {Town}",
                "{mend.es} {material} {opening.s} and {furniture.s}",
            ]
        ),
        (
            "Beekeeper",
            [
                "{keep.s} {n2} hives near the {water} and sells {spice} honey",
                "{look.es} {insect.s} among the {flower.s} of {Town}",
            ]
        ),
        (
            "Cellist",
            ["plays {song.s} for {trade.s} at the {building}", "{read.s} {old} {song.s} with {number} {follower.s}"]
        ),
        (
            "Postal Clerk",
            [
                "sorts {document.s} at the {Town} {building} each {time}",
                "{carry.s} {container.s} and {document.s} along {Street}",
            ]
        ),
        (
            "Geologist",
            [
                "{look.es} {stone} under the {land} near {Town}",
                "{keep.s} {n3} samples of {stone} in {material} {container.s}",
            ]
        ),
        (
            "Librarian",
            ["{keep.s} {n3} {document.s} about {subject}", "{read.s} {story.s} to {follower.s} on {day} {time.s}"]
        ),
        (
            "Veterinarian",
            ["treats {animal.s} and {bird.s} on the {land.s} around {Town}", "{help.s} owners of {size} {animal.s}"]
        ),
        (
            "Court Reporter",
            [
                "{read.s} what is said at the {Town} {building}",
                "types {document.s} of {n3} pages for {local} {trade.s}",
            ]
        ),
        (
            "Dairy Farmer",
            ["{keep.s} {n2} {animal.s} and sells {cold} {drink}", "{make.s} {spice} cheese in a {material} {room}"]
        ),
        (
            "Translator",
            [
                "{read.s} {document.s} on {subject} for the {group} of {Town}",
                "{read.s} {story.s} into {number} languages",
            ]
        ),
        (
            "Optician",
            [
                "{make.s} {material} spectacles for {follower.s} in {Town}",
                "tests the eyes of {n2} {trade.s} a {period}",
            ]
        ),
        (
            "Firefighter",
            [
                "{teach.es} {follower.s} what to do in a {disaster}",
                "{keep.s} the {tool.s} and {vehicle.s} of the {Town} station",
            ]
        ),
        (
            "Surveyor",
            [
                "{look.es} the {way.s} and {land.s} between {Town} and the {water}",
                "{make.s} {document.s} of every {way} in {Town}",
            ]
        ),
        (
            "Puppeteer",
            ["{make.s} {material} {animal.s} that recite {song.s}", "{carry.s} a {size} stage from {event} to {event}"]
        ),
        (
            "Radio Host",
            [
                "{say.s} {local} news and {weather} each {time}",
                "plays {instrument} {song.s} for the night shift of {Town}",
            ]
        ),
        (
            "Glassblower",
            ["{make.s} {color} {container.s} with {texture} handles", "{teach.es} {follower.s} to shape {light.s}"]
        ),
        (
            "Dietitian",
            [
                "plans meals of {vegetable.s} and {fruit.s} for {follower.s}",
                "{help.s} {trade.s} who want less {food} and more {vegetable}",
            ]
        ),
        (
            "Locksmith",
            ["{make.s} {material} keys for the {opening.s} of {Town}", "{mend.es} the {part.s} of {old} {container.s}"]
        ),
        (
            "Meteorologist",
            ["{look.es} {weather} from a {building} above {Town}", "warns {trade.s} of {weather} and {disaster.s}"]
        ),
        (
            "Museum Curator",
            [
                "{keep.s} {old} {tool.s} and {garment.s} at the {Town} museum",
                "{lead.s} {follower.s} past {n3} {material} {vessel.s}",
            ]
        ),
        ("Tailor", ["{make.s} {color} {garment.s} of {cloth}", "{mend.es} {garment.s} for the {trade.s} of {Street}"]),
        (
            "Software Tester",
            [
                "{look.es} programs that count {vehicle.s}",
                "{look.es} {n3} reports a {period} about {light.s} that fail",
            ]
        ),
        ("Orchard Keeper", ["{grow.s} {n3} {fruit} trees on a {land}", "{make.s} {spice} {drink} from {fruit.s}"]),
        (
            "Social Worker",
            ["{help.s} {follower.s} of {Town} to find {building.s} to live in", "{lead.s} a {group} for {wanderer.s}"]
        ),
        (
            "Dentist",
            [
                "{look.es} teeth in a {color} {room} on {Street}",
                "{teach.es} {follower.s} to clean their teeth every {time}",
            ]
        ),
        (
            "Sculptor",
            ["{make.s} {size} {animal.s} from {stone}", "{make.s} {material} {bird.s} for the {way.s} of {Town}"]
        ),
        (
            "Train Conductor",
            ["checks tickets on the {time} train to {Town}", "{say.s} the name of every {settlement} on the way"]
        ),
        (
            "Forester",
            ["{grow.s} {tree.s} and {tree.s} on the {land} of {Town}", "{look.es} {animal.s} from a {material} hut"]
        ),
        (
            "Seamstress",
            ["{make.s} {cloth} curtains for the {building}", "{mend.es} {color} {garment.s} with {texture} thread"]
        ),
        (
            "Piano Tuner",
            ["tunes {n2} pianos a {period} around {Town}", "{mend.es} {material} {part.s} inside {old} {instrument.s}"]
        ),
        (
            "Pharmacist",
            [
                "fills {container.s} and {help.s} {follower.s} at the {Town} {building}",
                "{keep.s} {liquid} and {powder} in {material} {container.s}",
            ]
        ),
        (
            "Crane Operator",
            ["{carry.s} {stone} to the top of the {building}", "{carry.s} {container.s} of {metal} off {vessel.s}"]
        ),
        (
            "Journalist",
            ["{read.s} about {event.s} for the {Town} paper", "asks {trade.s} about {scheme.s} and {money.s}"]
        ),
        (
            "Lighthouse Keeper",
            ["{look.es} {vessel.s} in the {weather}", "{keep.s} the {light} of {Town} burning until {time}"]
        ),
        (
            "Chess Coach",
            [
                "{teach.es} {follower.s} of {Town} to play before they can {read}",
                "{lead.s} a {group} that meets in a {room} on {day.s}",
            ]
        ),
        (
            "Tram Mechanic",
            ["{mend.es} the {part.s} of {color} trams", "{keep.s} {n2} trams of {Town} on time in the {weather}"]
        ),
        (
            "Paper Maker",
            ["{make.s} {texture} paper from {cloth} and {flower.s}", "{stir.s} {powder} and {cloth} in a {container}"]
        ),
        (
            "Historian",
            [
                "{read.s} about {disaster.s} and {crime.s} in {Town}",
                "{look.es} {document.s} that {wanderer.s} left in the {building}",
            ]
        ),
        (
            "Swimming Instructor",
            ["{teach.es} {follower.s} in the {water} near {Town}", "{help.s} {follower.s} who fear the {water}"]
        ),
        ("Astronomer", ["{look.es} every {sky} from a {land}", "{keep.s} a {document} of each {sky} over {Town}"]),
    ]

    /// What stands before an occupation; empty for most.
    static let ranks = [
        "", "", "", "Retired ", "Apprentice ", "Senior ", "Freelance ", "Assistant ", "Night-shift ", "Part-time ",
    ]

    /// A second thing that someone does.
    static let pastimes = [
        "{make.s} {material} {animal.s} on {day.s}", "plays the {instrument} in a {group} of {number}",
        "{keep.s} {n1} {animal.s} and a {bird}", "swims across the {water} every {month}",
        "collects {color} {container.s} from {Town}", "{grow.s} {vegetable.s} behind the {building}",
        "runs a {event} for {trade.s} each {season}", "is learning {subject} from a {kin}",
        "paints {bird.s} on {material} {furniture.s}", "cooks {vegetable} {food.s} for {n2} {wanderer.s}",
        "{read.s} {story.s} about {disaster.s}", "walks to the {land} before {time}",
        "sings {song.s} at the {building} in {month}", "{mend.es} {vehicle.s} for {follower.s}",
        "writes {song.s} about {feeling.s} and {weather}", "sends {document.s} to a {kin} in {Town}",
        "saves every {money} for a {vessel}", "plays {game} against a {trade} called {Person}",
        "trains {bird.s} to {carry} {document.s}", "photographs {insect.s} near {Town}",
        "keeps a {document} of {strange} {sound.s}", "brews {spice} {drink} in the {room}",
        "volunteers at a {building} on {day.s}", "studies {land.s} with a {material} {tool}",
    ]
}
