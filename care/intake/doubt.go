// SPDX-License-Identifier: Apache-2.0

package intake

// Weight is what a doubt does to its row.
type Weight uint8

// Weights.
const (
	Note    Weight = iota // the row is taken
	Aside                 // a person must look at it first
	Refused               // nothing can be made of it
)

// Reason is what is doubtful. What a person should do stands with the words of the program.
type Reason string

// Reasons that keep a row aside.
const (
	Lossy         Reason = "lossy"          // a number of more digits than a spreadsheet keeps
	NumberForm    Reason = "number_form"    // no number of this document
	NumberDate    Reason = "number_date"    // the birth date in it is not in the calendar
	NumberCheck   Reason = "number_check"   // its last character does not fit
	DateForm      Reason = "date_form"      // no date
	DatePart      Reason = "date_part"      // a month or a year only
	DateOrder     Reason = "date_order"     // day and month can be meant either way
	TwoDigitYear  Reason = "two_digit_year" // no profile says of which century
	Future        Reason = "future"         // a date after today
	CodeUnknown   Reason = "code_unknown"   // not in the list of codes
	CodeTrap      Reason = "code_trap"      // a number that means yes in one source and no in another
	NoNumber      Reason = "no_number"      // text where a number should be
	Decimals      Reason = "decimals"       // more decimals than the form keeps
	Limit         Reason = "limit"          // outside what is possible
	TooLong       Reason = "too_long"       // more characters than the form takes
	FaultCell     Reason = "fault_cell"     // #N/A and the like
	Unreadable    Reason = "unreadable"     // characters that were lost in another encoding
	NoCached      Reason = "no_cached"      // a formula that was never calculated
	DivisionWrong Reason = "division_wrong" // neither a code nor a name that is known
	NoDivision    Reason = "no_division"
	NoDate        Reason = "no_date" // the day of the service or the event is missing
	NoName        Reason = "no_name"
	NoBirth       Reason = "no_birth" // neither a number nor a day of birth to find the person by
	BeforeBirth   Reason = "before_birth"
)

// Reasons for which nothing can be made of a row.
const (
	Total     Reason = "total"      // a sum of other rows
	HeadAgain Reason = "head_again" // the head, repeated on a later page
	NoKey     Reason = "no_key"     // says neither who nor what it is about
)

// Reasons that are only said.
const (
	Calculated   Reason = "calculated"    // a formula: what was stored with it is taken
	HiddenRow    Reason = "hidden_row"    // hidden in the spreadsheet, taken all the same
	OldNumber    Reason = "old_number"    // 15 digits
	BirthDiffers Reason = "birth_differs" // from the number
	SexDiffers   Reason = "sex_differs"   // from the number
	PhoneForm    Reason = "phone_form"    // hardly a telephone number
)

// Doubt is something about a row that a person should know.
type Doubt struct {
	Row    int    // as the spreadsheet counts
	Column string // the head; "" for the row as a whole
	Field  string // what the column stands for
	Reason Reason
	Weight Weight
	Shown  string // what stands there, masked where it names a person
}

var weights = map[Reason]Weight{
	Total: Refused, HeadAgain: Refused, NoKey: Refused,
	Calculated: Note, HiddenRow: Note, OldNumber: Note, BirthDiffers: Note, SexDiffers: Note, PhoneForm: Note,
}

// WeightOf returns what a reason does to a row.
func WeightOf(r Reason) Weight {
	if w, ok := weights[r]; ok {
		return w
	}
	return Aside
}
