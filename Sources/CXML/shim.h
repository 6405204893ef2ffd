#include <libxml/xmlversion.h>
// Its converters are not ours to call, and ICU's headers would meet another copy of them in Foundation.
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
